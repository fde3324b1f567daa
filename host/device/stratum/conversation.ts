/**
 * Stratum V1 with one miner, from the first line on: messages and time in, lines and decisions out. It does no I/O.
 *
 * Nothing depends on the order of the opening messages or on their ids: every known firmware has its own. The answer
 * to `mining.subscribe` waits a moment for `mining.authorize`, so that all answers, the difficulty and the first job
 * leave in one write: health probes of stock firmware read once, and at most 1,023 bytes.
 */
import type { ShareRefusal } from "../../work/share.ts";
import type { Admit } from "./admission.ts";
import type { Batch } from "./batch.ts";
import { type DropReason, type Limits, LineRate } from "./limits.ts";
import { answer, type MessageId, REFUSALS, type Request, readMessage, refusal } from "./message.ts";
import { type AcceptedShare, EXTRANONCE2_BYTES, MinerWork, type MinerWorkOptions, type Moment } from "./miner-work.ts";
import { configure } from "./negotiate.ts";
import type { VardiffOptions } from "./vardiff.ts";

export interface Worker {
  readonly name: string;
  /** Never passed off as hardware. */
  readonly simulated: boolean;
  /** What the miner calls itself, printable, at most 64 characters; empty where it says nothing. */
  readonly client: string;
}

/** What the bridge must know of. */
export type Decision =
  /** It has subscribed and authorised itself, and has its first job. */
  | { readonly kind: "joined"; readonly worker: Worker }
  | { readonly kind: "accepted"; readonly share: AcceptedShare }
  | { readonly kind: "rejected"; readonly reason: ShareRefusal };

export type Output =
  | Decision
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "drop"; readonly reason: DropReason };

export interface ConversationOptions extends Omit<MinerWorkOptions, "vardiff" | "shareLimit"> {
  readonly admit: Admit;
  readonly limits: Limits;
  /** Difficulties of a session, by whether it is simulated. */
  readonly vardiff: (simulated: boolean) => VardiffOptions;
  readonly batch: Batch;
}

/** How long the answer to `mining.subscribe` waits for what belongs into the same write. */
export const HOLD_MS = 50;
/** cgminer gives a pool up after 90 s without a word. */
const KEEPALIVE_MS = 30_000;
const MAX_CLIENT_CHARS = 64;
/** As the configuration's: printable, so that it may stand in seals, logs and file names. */
const WORKER_NAME = /^[\x21-\x7e]{1,64}$/;
const VERSION = "lv06-edge-appliance";

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #rate: LineRate;
  readonly #openedMs: number;
  #heardMs: number;
  #batch: Batch;
  #subscribed = false;
  #client = "";
  #admitted: { readonly name: string; readonly simulated: boolean } | undefined;
  /** Once it is subscribed and authorised. */
  #work: MinerWork | undefined;
  #versionMask = 0;
  #malformed = 0;
  #refusedWorkers = 0;
  #held = "";
  #holding = false;
  #out: Output[] = [];
  #over = false;

  constructor(options: ConversationOptions, { monoMs }: Moment) {
    this.#options = options;
    this.#rate = new LineRate(options.limits, monoMs);
    this.#openedMs = monoMs;
    this.#heardMs = monoMs;
    this.#batch = options.batch;
  }

  get joined(): boolean {
    return this.#work !== undefined;
  }

  /** Null before the first job. */
  get difficulty(): number | null {
    return this.#work?.difficulty ?? null;
  }

  get versionMask(): number {
    return this.#versionMask;
  }

  /** Whether answers wait: `release` is then due after `HOLD_MS`. */
  get holding(): boolean {
    return this.#holding;
  }

  /** @param line without its end, bounded by the caller */
  receive(line: string, at: Moment): Output[] {
    if (this.#over) return [];
    this.#heardMs = at.monoMs;
    if (!this.#rate.take(at.monoMs)) return this.#drop("rate");
    const message = readMessage(line, this.#options.limits.depth);
    switch (message.kind) {
      case "empty":
      case "answer":
        break;
      case "malformed":
        this.#held += refusal(message.id, REFUSALS.malformed);
        this.#malformed += 1;
        if (this.#malformed > this.#options.limits.malformedLines) return this.#drop("malformed");
        break;
      case "request":
        this.#held += this.#answer(message, at);
        if (this.#refusedWorkers > this.#options.limits.refusedWorkers) return this.#drop("refused-worker");
        break;
    }
    return this.#flush();
  }

  /** Everything is replaced at once: what is sealed from now on is this. */
  assign(batch: Batch, at: Moment): Output[] {
    this.#batch = batch;
    if (this.#over || this.#work === undefined) return [];
    this.#held += this.#issue(this.#work, true, at);
    return this.#flush();
  }

  /** Nothing waits any longer. */
  release(): Output[] {
    this.#holding = false;
    return this.#flush();
  }

  /** To be called every second or so. */
  tick(at: Moment): Output[] {
    if (this.#over) return [];
    const { unauthorisedMs, idleMs } = this.#options.limits;
    const work = this.#work;
    if (work === undefined) {
      return at.monoMs - this.#openedMs >= unauthorisedMs ? this.#drop("unauthorised") : this.#flush();
    }
    if (at.monoMs - this.#heardMs >= idleMs) return this.#drop("idle");
    if (work.tick(at)) this.#held += this.#issue(work, true, at);
    else if (at.monoMs - work.jobMs >= KEEPALIVE_MS) this.#held += this.#issue(work, false, at);
    return this.#flush();
  }

  /** @returns the lines to send */
  #answer({ id, method, params }: Request, at: Moment): string {
    switch (method) {
      case "mining.subscribe":
        return this.#subscribe(id, params, at);
      case "mining.configure":
        return this.#configure(id, params, at);
      case "mining.authorize":
        return this.#authorize(id, params, at);
      case "mining.submit":
        return this.#submit(id, params, at);
      case "mining.suggest_difficulty":
      case "mining.suggest_target":
      case "mining.extranonce.subscribe":
        // Vardiff decides, and extranonce1 never changes; a refusal would be counted as a rejected share by some.
        return answer(id, true);
      case "mining.ping":
        return answer(id, "pong");
      case "client.get_version":
        return answer(id, VERSION);
      default:
        return refusal(id, REFUSALS.unknownMethod);
    }
  }

  #subscribe(id: MessageId, params: readonly unknown[], at: Moment): string {
    const extranonce1 = Buffer.from(this.#options.extranonce1).toString("hex");
    const subscriptions = ["mining.set_difficulty", "mining.notify"].map((name) => [name, extranonce1]);
    if (!this.#subscribed) this.#holding = true;
    this.#subscribed = true;
    this.#client = printable(params[0]);
    return answer(id, [subscriptions, extranonce1, EXTRANONCE2_BYTES]) + this.#join(at);
  }

  #configure(id: MessageId, params: readonly unknown[], at: Moment): string {
    const { result, versionMask } = configure(params);
    const reply = answer(id, result);
    if (versionMask === undefined || versionMask === this.#versionMask) return reply;
    this.#versionMask = versionMask;
    return this.#work === undefined ? reply : reply + this.#issue(this.#work, true, at);
  }

  #authorize(id: MessageId, [name]: readonly unknown[], at: Moment): string {
    const known = typeof name === "string" && WORKER_NAME.test(name);
    const admission = known ? this.#options.admit(name) : ({ kind: "refused" } as const);
    const other = this.#admitted !== undefined && this.#admitted.name !== name;
    if (!known || other || admission.kind === "refused") {
      this.#refusedWorkers += 1;
      return refusal(id, REFUSALS.unauthorised);
    }
    this.#admitted = { name, simulated: admission.simulated };
    return answer(id, true) + this.#join(at);
  }

  /** The first job, as soon as the miner is both subscribed and authorised. */
  #join(at: Moment): string {
    if (!this.#subscribed || this.#admitted === undefined || this.#work !== undefined) return "";
    const { vardiff, limits, ...options } = this.#options;
    const { simulated } = this.#admitted;
    this.#work = new MinerWork({ ...options, vardiff: vardiff(simulated), shareLimit: limits.shares }, at);
    this.#holding = false;
    this.#out.push({ kind: "joined", worker: { ...this.#admitted, client: this.#client } });
    return this.#issue(this.#work, true, at);
  }

  #submit(id: MessageId, [name, ...params]: readonly unknown[], at: Moment): string {
    if (!this.#subscribed) return refusal(id, REFUSALS.notSubscribed);
    const work = this.#work;
    if (work === undefined || name !== this.#admitted?.name) return refusal(id, REFUSALS.unauthorised);
    const share = work.judge(params, at);
    if (!share.ok) {
      this.#out.push({ kind: "rejected", reason: share.reason });
      return refusal(id, share.refusal);
    }
    this.#out.push({ kind: "accepted", share });
    return answer(id, true) + (work.retarget(share, at) ? this.#issue(work, true, at) : "");
  }

  #issue(work: MinerWork, clean: boolean, at: Moment): string {
    return work.issue(this.#batch, this.#versionMask, clean, at);
  }

  #flush(): Output[] {
    if (!this.#holding && this.#held !== "") {
      this.#out.push({ kind: "send", text: this.#held });
      this.#held = "";
    }
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #drop(reason: DropReason): Output[] {
    this.#over = true;
    return [...this.release(), { kind: "drop", reason }];
  }
}

/** Printable ASCII, for logs and messages. */
function printable(text: unknown): string {
  return typeof text === "string" ? text.replace(/[^ -~]/g, "").slice(0, MAX_CLIENT_CHARS) : "";
}
