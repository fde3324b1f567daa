/**
 * Every share that crossed a line, held to its bytes by the wire alone: what the pool accepts is hashed anew, and the
 * pool's own count is compared with what its miners were told.
 */
import { difficultyOf, headerOf, type Notify, readNotify } from "../../host/device/stratum/testing/fake-job.ts";

/** Of one worker, since the pool's process began. */
export interface WorkerCount {
  accepted: number;
  /** Submitted, and the connection was over before the answer came: counted or not. */
  unanswered: number;
}

const STALE = 21;
const JOBS_KEPT = 64;

/** What the shares of all lines come to. */
export class ShareBook {
  readonly findings: string[] = [];
  /** Accepted, hashed anew and found good. */
  verified = 0;
  /** Shares that were made wrong here, and refused. */
  refused = 0;
  /** Overtaken by a new job. */
  stale = 0;
  unanswered = 0;
  readonly #headers = new Set<string>();
  #workers = new Map<string, WorkerCount>();

  /** The pool's process has ended, and its counts with it. */
  newLife(): void {
    this.#workers = new Map();
  }

  of(worker: string): WorkerCount {
    const count = this.#workers.get(worker) ?? { accepted: 0, unanswered: 0 };
    this.#workers.set(worker, count);
    return count;
  }

  accepted(worker: string, header: Buffer, difficulty: number): void {
    const hex = header.toString("hex");
    this.of(worker).accepted += 1;
    if (!(difficultyOf(header) >= difficulty)) this.findings.push(`accepted without work: ${hex}`);
    else if (this.#headers.has(hex)) this.findings.push(`accepted twice: ${hex}`);
    else this.verified += 1;
    this.#headers.add(hex);
  }

  rejected(honest: boolean, error: unknown): void {
    const [code] = Array.isArray(error) ? error : [];
    if (code === STALE) this.stale += 1;
    else if (honest) this.findings.push(`an honest share was rejected: ${JSON.stringify(error)}`);
    else this.refused += 1;
  }

  lost(worker: string, count: number): void {
    this.of(worker).unanswered += count;
    this.unanswered += count;
  }
}

interface Submit {
  readonly params: readonly unknown[];
  readonly honest: boolean;
}

interface KnownJob {
  readonly job: Notify;
  readonly difficulty: number;
}

/** One connection, as the wire shows it. */
export class Connection {
  readonly #book: ShareBook;
  readonly #jobs = new Map<string, KnownJob>();
  readonly #submits = new Map<unknown, Submit>();
  #subscribeId: unknown;
  #extranonce1 = "";
  #difficulty = Number.POSITIVE_INFINITY;
  #worker = "";

  constructor(book: ShareBook) {
    this.#book = book;
  }

  get worker(): string {
    return this.#worker;
  }

  /** Newest last. */
  get jobs(): readonly Notify[] {
    return [...this.#jobs.values()].map(({ job }) => job);
  }

  /** @param honest whether the miner itself sent it */
  sent(line: string, honest: boolean): void {
    const { id, method, params } = JSON.parse(line);
    if (method === "mining.subscribe") this.#subscribeId = id;
    if (method === "mining.authorize") this.#worker = params[0];
    if (method === "mining.submit") this.#submits.set(id, { params, honest });
  }

  received(line: string): void {
    const { id, method, params, result, error } = JSON.parse(line);
    if (method === "mining.set_difficulty") this.#difficulty = params[0];
    if (method === "mining.notify") this.#notified(readNotify(params));
    if (method !== undefined) return;
    if (id === this.#subscribeId && Array.isArray(result)) this.#extranonce1 = result[1];
    const submit = this.#submits.get(id);
    if (submit === undefined) return;
    this.#submits.delete(id);
    if (result === true) this.#accepted(submit.params);
    else this.#book.rejected(submit.honest, error);
  }

  over(): void {
    this.#book.lost(this.#worker, this.#submits.size);
    this.#submits.clear();
  }

  #notified(job: Notify): void {
    this.#jobs.set(job.id, { job, difficulty: this.#difficulty });
    const [oldest] = this.#jobs.keys();
    if (this.#jobs.size > JOBS_KEPT && oldest !== undefined) this.#jobs.delete(oldest);
  }

  #accepted(params: readonly unknown[]): void {
    const [, id, extranonce2, ntime, nonce, bits = "00000000"] = params.map(String);
    const known = this.#jobs.get(String(id));
    if (known === undefined) return void this.#book.findings.push(`accepted for a job that was never given: ${id}`);
    const header = headerOf(known.job, this.#extranonce1 + extranonce2);
    const word = (text: string | undefined) => Number.parseInt(text ?? "", 16);
    header.writeUInt32LE((known.job.version ^ word(bits)) >>> 0, 0);
    header.writeUInt32LE(word(ntime), 68);
    header.writeUInt32LE(word(nonce), 76);
    this.#book.accepted(this.#worker, header, known.difficulty);
  }
}
