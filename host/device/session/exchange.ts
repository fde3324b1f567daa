/**
 * Requests ↔ replies as a state machine: input in, outputs out, no clock, no I/O.
 *
 * Requests wait for credits, are sent, sent again with the same number and bytes when no reply comes (every
 * command may be repeated without harm, SPEC.md §4.2), and settle exactly once. Replies may come in any order. A
 * frame with another boot id means that the device restarted: everything fails.
 */
import { type DeviceErrorCode, REFUSALS, type Refusal } from "../errors.ts";
import { encodeFrame, type Frame, type LinkEvent } from "../link/frame.ts";
import type { Credits, ExchangeCounters, ExchangeHeld, Output, Request } from "./request.ts";

export interface ExchangeOptions {
  /** The first sequence number; random, so that a reply meant for an earlier session finds no taker. */
  readonly firstSeq: number;
  readonly queueMax: number;
  /** The line's rate. */
  readonly baud: number;
}

interface InFlight {
  readonly request: Request;
  readonly bytes: Uint8Array;
  readonly waitMs: number;
  tries: number;
  retryAtMs: number;
  /** Its caller has been told already; only its credit is still out. */
  settled: boolean;
}

const SEQS = 0x10000;
/** A reply to a request that was sent more than once may come this much later, and must not meet a new request. */
const LINGER_MS = 30_000;
const SHOWN_CHARS = 120;
/** Start, 8 data bits, stop. */
const BITS_PER_BYTE = 10;

export class Exchange {
  readonly #queueMax: number;
  #bytesPerMs = 1;
  #credits: Credits;
  #boot: string | undefined;
  #seq: number;
  #held = false;
  #bytesOut = 0;
  #replyBytesOut = 0;
  readonly #urgent: Request[] = [];
  readonly #waiting: Request[] = [];
  readonly #inFlight = new Map<number, InFlight>();
  readonly #lingering = new Map<number, number>();
  #counters = { requests: 0, retries: 0, strayReplies: 0, strayFrames: 0, naks: 0 };

  constructor(options: ExchangeOptions, credits: Credits) {
    this.#queueMax = options.queueMax;
    this.pace(options.baud);
    this.#credits = credits;
    this.#seq = options.firstSeq % SEQS;
  }

  get counters(): ExchangeCounters {
    return { ...this.#counters };
  }

  get held(): ExchangeHeld {
    const waiting = this.#urgent.length + this.#waiting.length;
    return { unanswered: this.unanswered, waiting, lingering: this.#lingering.size };
  }

  /** Requests on the line. */
  get unanswered(): number {
    return this.#inFlight.size;
  }

  /** Frames that carry another boot id than this one mean a restart from now on. */
  adopt(boot: string, credits: Credits): void {
    this.#boot = boot;
    this.#credits = credits;
  }

  /** The line's rate has changed. */
  pace(baud: number): void {
    this.#bytesPerMs = baud / BITS_PER_BYTE / 1000;
  }

  /** From now on, only urgent requests go out. */
  hold(): void {
    this.#held = true;
  }

  release(nowMs: number, out: Output[]): void {
    this.#held = false;
    this.#pump(nowMs, out);
  }

  submit(request: Request, nowMs: number, out: Output[]): void {
    this.#counters.requests += 1;
    if (this.#waiting.length + this.#urgent.length >= this.#queueMax) {
      const detail = `${this.#queueMax} requests are waiting`;
      out.push({ kind: "failed", id: request.id, code: "DEVICE_BUSY", detail });
      return;
    }
    (request.urgent ? this.#urgent : this.#waiting).push(request);
    this.#pump(nowMs, out);
  }

  /** The caller gave up: fails the request, and does not send it if it was not. What was sent keeps its credit. */
  cancel(id: number, out: Output[]): void {
    const entry = [...this.#inFlight.values()].find(({ request, settled }) => request.id === id && !settled);
    const queued = [...this.#urgent, ...this.#waiting].find((request) => request.id === id);
    if (entry !== undefined) entry.settled = true;
    else if (queued !== undefined) this.#unqueue(new Set([queued]));
    else return;
    out.push({ kind: "failed", id, code: "DEVICE_ABORTED", detail: "the caller gave up" });
  }

  receive(event: LinkEvent, nowMs: number, out: Output[]): void {
    if (event.kind !== "frame") return;
    const { frame } = event;
    const boot = bootOf(frame);
    if (boot === undefined) {
      this.#counters.strayFrames += 1;
    } else if (this.#boot !== undefined && boot !== this.#boot) {
      out.push({ kind: "rebooted", boot, reason: frame.verb === "BOOT" ? shown(frame.args.slice(1)) : "" });
      this.failAll("DEVICE_REBOOTED", `the device restarted (boot ${this.#boot}, now ${boot})`, out);
    } else if (frame.verb === "OK" || frame.verb === "ERR") {
      this.#settle(frame, boot, out);
      this.#pump(nowMs, out);
    } else if (frame.verb === "NAK") {
      this.#counters.naks += 1;
    } else if (frame.verb === "WORK" && this.#boot !== undefined) {
      out.push({ kind: "notice", args: frame.args.slice(1) });
    }
  }

  /** Sends again or gives up what is due. */
  tick(nowMs: number, out: Output[]): void {
    for (const [seq, entry] of this.#inFlight) {
      const { request } = entry;
      if (request.deadlineAtMs <= nowMs) this.#expire(seq, entry, nowMs, `${request.verb} reached its deadline`, out);
      else if (entry.retryAtMs > nowMs) continue;
      else if (entry.settled || entry.tries >= request.retry.tries) {
        this.#expire(seq, entry, nowMs, `${request.verb} was sent ${entry.tries} times without a reply`, out);
      } else this.#resend(seq, entry, nowMs, out);
    }
    const late = [...this.#urgent, ...this.#waiting].filter((request) => request.deadlineAtMs <= nowMs);
    if (late.length > 0) this.#giveUpWaiting(late, out);
    for (const [seq, untilMs] of this.#lingering) if (untilMs <= nowMs) this.#lingering.delete(seq);
    this.#pump(nowMs, out);
  }

  /** When `tick` has something to do next; undefined if nothing is pending. */
  nextWakeAtMs(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#inFlight.values()) {
      next = Math.min(next, entry.retryAtMs, entry.request.deadlineAtMs);
    }
    for (const request of this.#waiting) next = Math.min(next, request.deadlineAtMs);
    for (const request of this.#urgent) next = Math.min(next, request.deadlineAtMs);
    return Number.isFinite(next) ? next : undefined;
  }

  failAll(code: DeviceErrorCode, detail: string, out: Output[]): void {
    const sent = [...this.#inFlight.values()].filter(({ settled }) => !settled).map(({ request }) => request);
    const all = [...sent, ...this.#urgent, ...this.#waiting];
    this.#inFlight.clear();
    this.#urgent.length = 0;
    this.#waiting.length = 0;
    this.#bytesOut = 0;
    this.#replyBytesOut = 0;
    for (const { id } of all) out.push({ kind: "failed", id, code, detail });
  }

  #pump(nowMs: number, out: Output[]): void {
    for (let queue = this.#nextQueue(); queue !== undefined; queue = this.#nextQueue()) {
      const [next] = queue;
      const seq = this.#freeSeq();
      if (next === undefined || seq === undefined || this.#inFlight.size >= this.#credits.lines) return;
      if (this.#bytesOut + next.lineBytes > this.#credits.bytes && this.#inFlight.size > 0) return;
      const bytes = encodeFrame({ ...next, seq });
      queue.shift();
      this.#seq = (seq + 1) % SEQS;
      this.#bytesOut += bytes.length;
      this.#replyBytesOut += next.replyBytes;
      // Both ways, and as much again for what a driver or an adapter holds back.
      const waitMs = next.retry.firstMs + (2 * (this.#bytesOut + this.#replyBytesOut)) / this.#bytesPerMs;
      this.#inFlight.set(seq, { request: next, bytes, waitMs, tries: 1, retryAtMs: nowMs + waitMs, settled: false });
      out.push({ kind: "send", seq, verb: next.verb, bytes });
    }
  }

  #nextQueue(): Request[] | undefined {
    if (this.#urgent.length > 0) return this.#urgent;
    return this.#held || this.#waiting.length === 0 ? undefined : this.#waiting;
  }

  #freeSeq(): number | undefined {
    for (let i = 0; i < SEQS; i++) {
      const seq = (this.#seq + i) % SEQS;
      if (seq !== 0 && !this.#inFlight.has(seq) && !this.#lingering.has(seq)) return seq;
    }
    return undefined;
  }

  #settle(frame: Frame, boot: string, out: Output[]): void {
    const entry = this.#inFlight.get(frame.seq);
    if (entry === undefined) {
      this.#counters.strayReplies += 1;
      return;
    }
    const { id, verb, accepts } = entry.request;
    const [, ...args] = frame.args;
    const refusal = frame.verb === "ERR" ? refusalOf(verb, args) : undefined;
    if (refusal === undefined && accepts?.(args) === false) {
      this.#counters.strayReplies += 1;
      return;
    }
    // A request sent once has one reply; after a retry, a second one may still be under way.
    this.#release(frame.seq, entry, entry.tries > 1 ? entry.retryAtMs + LINGER_MS : undefined);
    if (entry.settled) return;
    if (refusal === undefined) {
      const payload = frame.payload === undefined ? {} : { payload: frame.payload };
      out.push({ kind: "reply", id, reply: { args, boot, ...payload } });
    } else {
      const detail = `${verb} was refused: ${shown(verb === "KEY" ? [refusal.code] : args)}`;
      out.push({ kind: "failed", id, code: "DEVICE_REFUSED", detail, refusal });
    }
  }

  #release(seq: number, entry: InFlight, lingerUntilMs: number | undefined): void {
    this.#inFlight.delete(seq);
    this.#bytesOut -= entry.bytes.length;
    this.#replyBytesOut -= entry.request.replyBytes;
    if (lingerUntilMs !== undefined) this.#lingering.set(seq, lingerUntilMs);
  }

  #expire(seq: number, entry: InFlight, nowMs: number, detail: string, out: Output[]): void {
    this.#release(seq, entry, nowMs + LINGER_MS);
    if (!entry.settled) out.push({ kind: "failed", id: entry.request.id, code: "DEVICE_DEADLINE", detail });
  }

  #resend(seq: number, entry: InFlight, nowMs: number, out: Output[]): void {
    const waitMs = entry.waitMs * entry.request.retry.factor ** entry.tries;
    entry.tries += 1;
    entry.retryAtMs = nowMs + waitMs;
    this.#counters.retries += 1;
    out.push({ kind: "send", seq, verb: entry.request.verb, bytes: entry.bytes });
  }

  #giveUpWaiting(late: readonly Request[], out: Output[]): void {
    this.#unqueue(new Set(late));
    for (const { id, verb } of late) {
      out.push({ kind: "failed", id, code: "DEVICE_DEADLINE", detail: `${verb} reached its deadline unsent` });
    }
  }

  #unqueue(gone: ReadonlySet<Request>): void {
    for (const queue of [this.#urgent, this.#waiting]) {
      const rest = queue.filter((request) => !gone.has(request));
      queue.splice(0, queue.length, ...rest);
    }
  }
}

/** The boot id of a frame that only a device sends; undefined for any other, such as the host's own, echoed. */
function bootOf({ seq, verb, args }: Frame): string | undefined {
  const devices =
    verb === "OK" || verb === "ERR" || verb === "NAK" || verb === "BOOT" || (verb === "WORK" && seq === 0);
  const [boot] = args;
  return devices && boot !== undefined && /^[0-9a-f]{8}$/.test(boot) ? boot : undefined;
}

/** A refusal of KEY keeps no words: a faulty device may say the key there. */
function refusalOf(verb: string, [word, ...words]: readonly string[]): Refusal {
  const code = REFUSALS.find((known) => known === word) ?? "DEVICE";
  return { code, words: verb === "KEY" ? [] : words.slice(0, SHOWN_CHARS) };
}

function shown(words: readonly string[]): string {
  return words.slice(0, SHOWN_CHARS).join(" ").slice(0, SHOWN_CHARS);
}
