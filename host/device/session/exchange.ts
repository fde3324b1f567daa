/**
 * Requests ↔ replies as a state machine: input in, outputs out, no clock, no I/O.
 *
 * Requests wait for credits, are sent, sent again with the same number and bytes when no reply comes (the
 * device repeats its answer then), and settle exactly once. Replies may come in any order. A frame with
 * another boot id means that the device restarted: everything fails.
 */
import type { DeviceErrorCode } from "../errors.ts";
import { encodeFrame, type Frame, type LinkEvent } from "../link/frame.ts";

export interface Credits {
  /** Requests that may be unanswered at once. */
  readonly lines: number;
  /** And their bytes. */
  readonly bytes: number;
}

export interface ExchangeOptions {
  /** The first sequence number; random, so that a reply meant for an earlier session finds no taker. */
  readonly firstSeq: number;
  readonly queueMax: number;
  /** What the line carries, in bytes a millisecond. */
  readonly bytesPerMs: number;
}

export interface Request {
  /** The caller's, unique among those not yet settled. */
  readonly id: number;
  readonly verb: string;
  readonly args: readonly string[];
  readonly deadlineAtMs: number;
  readonly retry: RetryPolicy;
}

export interface RetryPolicy {
  /** Wait for the first reply, in ms, besides the time the line needs. */
  readonly firstMs: number;
  /** Each further wait is this many times the one before. */
  readonly factor: number;
  /** Sends in all. */
  readonly tries: number;
}

export type Output =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** `args` follow the boot id. */
  | { readonly kind: "reply"; readonly id: number; readonly args: readonly string[]; readonly boot: string }
  | { readonly kind: "failed"; readonly id: number; readonly code: DeviceErrorCode; readonly detail: string }
  | { readonly kind: "rebooted"; readonly boot: string };

export interface ExchangeCounters {
  readonly requests: number;
  readonly retries: number;
  /** Replies to nothing that waits: late, doubled, or somebody else's. */
  readonly strayReplies: number;
  /** Frames that are no replies, such as an echo of the host's own. */
  readonly strayFrames: number;
  /** Lines the device could not read, by its own account. */
  readonly naks: number;
}

interface InFlight {
  readonly request: Request;
  readonly bytes: Uint8Array;
  readonly waitMs: number;
  tries: number;
  retryAtMs: number;
}

const SEQS = 0x10000;
/** A reply to a request that was sent more than once may come this much later, and must not meet a new request. */
const LINGER_MS = 30_000;
/** A generous reply, to reckon the time of the way back. */
const REPLY_BYTES = 128;

export class Exchange {
  readonly #options: ExchangeOptions;
  #credits: Credits;
  #boot: string | undefined;
  #seq: number;
  #bytesOut = 0;
  readonly #waiting: Request[] = [];
  readonly #inFlight = new Map<number, InFlight>();
  readonly #lingering = new Map<number, number>();
  #counters = { requests: 0, retries: 0, strayReplies: 0, strayFrames: 0, naks: 0 };

  constructor(options: ExchangeOptions, credits: Credits) {
    this.#options = options;
    this.#credits = credits;
    this.#seq = options.firstSeq;
  }

  get counters(): ExchangeCounters {
    return { ...this.#counters };
  }

  /** Frames that carry another boot id than this one mean a restart from now on. */
  adopt(boot: string, credits: Credits): void {
    this.#boot = boot;
    this.#credits = credits;
  }

  submit(request: Request, nowMs: number, out: Output[]): void {
    this.#counters.requests += 1;
    if (this.#waiting.length >= this.#options.queueMax) {
      const detail = `${this.#waiting.length} requests are waiting`;
      out.push({ kind: "failed", id: request.id, code: "DEVICE_BUSY", detail });
      return;
    }
    this.#waiting.push(request);
    this.#pump(nowMs, out);
  }

  receive(event: LinkEvent, nowMs: number, out: Output[]): void {
    if (event.kind !== "frame") return;
    const { frame } = event;
    const boot = bootOf(frame);
    if (boot === undefined) {
      this.#counters.strayFrames += 1;
    } else if (this.#boot !== undefined && boot !== this.#boot) {
      this.failAll("DEVICE_REBOOTED", `the device restarted (boot ${this.#boot}, now ${boot})`, out);
      out.push({ kind: "rebooted", boot });
    } else if (frame.verb === "NAK") {
      this.#counters.naks += 1;
    } else if (frame.verb !== "BOOT") {
      this.#settle(frame, boot, out);
      this.#pump(nowMs, out);
    }
  }

  /** Sends again or gives up what is due. */
  tick(nowMs: number, out: Output[]): void {
    for (const [seq, entry] of this.#inFlight) {
      const { request } = entry;
      if (request.deadlineAtMs <= nowMs) this.#expire(seq, entry, nowMs, `${request.verb} reached its deadline`, out);
      else if (entry.retryAtMs > nowMs) continue;
      else if (entry.tries >= request.retry.tries) {
        this.#expire(seq, entry, nowMs, `${request.verb} was sent ${entry.tries} times without a reply`, out);
      } else this.#resend(entry, nowMs, out);
    }
    const late = this.#waiting.filter((request) => request.deadlineAtMs <= nowMs);
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
    return Number.isFinite(next) ? next : undefined;
  }

  failAll(code: DeviceErrorCode, detail: string, out: Output[]): void {
    const all = [...[...this.#inFlight.values()].map((entry) => entry.request), ...this.#waiting];
    this.#inFlight.clear();
    this.#waiting.length = 0;
    this.#bytesOut = 0;
    for (const request of all) out.push({ kind: "failed", id: request.id, code, detail });
  }

  #pump(nowMs: number, out: Output[]): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const seq = this.#freeSeq();
      if (seq === undefined || this.#inFlight.size >= this.#credits.lines) return;
      const bytes = encodeFrame({ seq, verb: next.verb, args: next.args });
      if (this.#bytesOut + bytes.length > this.#credits.bytes && this.#inFlight.size > 0) return;
      this.#waiting.shift();
      this.#seq = (seq + 1) % SEQS;
      this.#bytesOut += bytes.length;
      const lineMs = (this.#bytesOut + (this.#inFlight.size + 1) * REPLY_BYTES) / this.#options.bytesPerMs;
      const waitMs = next.retry.firstMs + 2 * lineMs;
      this.#inFlight.set(seq, { request: next, bytes, waitMs, tries: 1, retryAtMs: nowMs + waitMs });
      out.push({ kind: "send", bytes });
    }
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
    // A request sent once has one reply; after a retry, a second one may still be under way.
    this.#release(frame.seq, entry, entry.tries > 1 ? entry.retryAtMs + LINGER_MS : undefined);
    const { id, verb } = entry.request;
    const [, ...args] = frame.args;
    if (frame.verb === "OK") out.push({ kind: "reply", id, args, boot });
    else out.push({ kind: "failed", id, code: "DEVICE_REFUSED", detail: `${verb} was refused: ${args.join(" ")}` });
  }

  #release(seq: number, entry: InFlight, lingerUntilMs: number | undefined): void {
    this.#inFlight.delete(seq);
    this.#bytesOut -= entry.bytes.length;
    if (lingerUntilMs !== undefined) this.#lingering.set(seq, lingerUntilMs);
  }

  #expire(seq: number, entry: InFlight, nowMs: number, detail: string, out: Output[]): void {
    this.#release(seq, entry, nowMs + LINGER_MS);
    out.push({ kind: "failed", id: entry.request.id, code: "DEVICE_DEADLINE", detail });
  }

  #resend(entry: InFlight, nowMs: number, out: Output[]): void {
    const waitMs = entry.waitMs * entry.request.retry.factor ** entry.tries;
    entry.tries += 1;
    entry.retryAtMs = nowMs + waitMs;
    this.#counters.retries += 1;
    out.push({ kind: "send", bytes: entry.bytes });
  }

  #giveUpWaiting(late: readonly Request[], out: Output[]): void {
    const gone = new Set(late);
    const rest = this.#waiting.filter((request) => !gone.has(request));
    this.#waiting.splice(0, this.#waiting.length, ...rest);
    for (const { id, verb } of late) {
      out.push({ kind: "failed", id, code: "DEVICE_DEADLINE", detail: `${verb} reached its deadline unsent` });
    }
  }
}

/** The boot id of a frame that only a device sends; undefined for any other. */
function bootOf(frame: Frame): string | undefined {
  switch (frame.verb) {
    case "OK":
    case "ERR":
    case "NAK":
    case "BOOT":
      return frame.args[0] !== undefined && /^[0-9a-f]{8}$/.test(frame.args[0]) ? frame.args[0] : undefined;
    default:
      return undefined;
  }
}
