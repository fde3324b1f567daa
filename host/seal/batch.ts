/**
 * When a batch closes, and when its seal is late. No clock, no timers, no I/O: every call brings the time, the answer
 * says what is to be done, and `wakeAtMs` when to ask again.
 *
 * One batch is worked at a time; what joins meanwhile waits for the next. Whatever waits is in the store already: after
 * a restart the batcher is made anew from the stored rows.
 */
import { SealError } from "./error.ts";
import { BATCH_MAX } from "./fields.ts";
import { meansOfQuantile } from "./share-times.ts";

export interface BatchPolicy {
  /** Results in a batch, 1…1,024; default 1,024. */
  readonly maxSize?: number;
  /** How long the oldest result waits for company, 0…3,600,000 ms; default 1,000. */
  readonly maxAgeMs?: number;
  /** When a result should be sealed at the latest, 1…86,400,000 ms; default 30,000. A slow device gets its batch earlier. */
  readonly deadlineMs?: number;
  /** A seal is late once this part of all seals would have come, 0.5…0.999999; default 0.999. */
  readonly lateQuantile?: number;
  /** Results that may wait here, 1…1,000,000; default 100,000. The others stay in the store. */
  readonly maxWaiting?: number;
}

export interface BatchLeaf {
  readonly resultId: string;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** When the result was made, on the clock that every call's `nowMs` is of. */
  readonly joinedMs: number;
}

export interface WorkedBatch {
  /** Counts from 1 since the start of the process. */
  readonly number: number;
  readonly leaves: readonly BatchLeaf[];
}

export type BatchOutput =
  /** Work is to begin; whatever was worked before is sealed. */
  | { readonly kind: "work"; readonly batch: WorkedBatch; readonly why: "size" | "age" | "deadline" }
  /** Once a batch: by the observed share times, a seal should long have come. */
  | {
      readonly kind: "late";
      readonly batch: WorkedBatch;
      /** Since the work began. */
      readonly waitedMs: number;
      readonly expectedMs: number;
    }
  /** Once an absence: for as long as the deadline no device was there, and results wait for one. */
  | { readonly kind: "no-device"; readonly waitedMs: number; readonly results: number };

interface Work {
  readonly batch: WorkedBatch;
  readonly sinceMs: number;
  /** Shares that were to be expected until `countedMs`. */
  expectedShares: number;
  countedMs: number;
  late: boolean;
}

/** What the stored rows say. */
export interface Restored {
  /** Closed and not sealed, in the order of its tree; undefined for none. */
  readonly worked?: readonly BatchLeaf[];
  /** In no batch yet, oldest first. */
  readonly waiting: readonly BatchLeaf[];
}

function within(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new SealError("SEAL_POLICY", `${name} is ${value}, not from ${least} to ${most}`);
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value)) return within(name, value, least, most);
  throw new SealError("SEAL_POLICY", `${name} is ${value}, no whole number`);
}

function complete(policy: BatchPolicy): Required<BatchPolicy> {
  const {
    maxSize = BATCH_MAX,
    maxAgeMs = 1000,
    deadlineMs = 30_000,
    lateQuantile = 0.999,
    maxWaiting = 100_000,
  } = policy;
  return {
    maxSize: whole("maxSize", maxSize, 1, BATCH_MAX),
    maxAgeMs: within("maxAgeMs", maxAgeMs, 0, 3_600_000),
    deadlineMs: within("deadlineMs", deadlineMs, 1, 86_400_000),
    lateQuantile: within("lateQuantile", lateQuantile, 0.5, 0.999999),
    maxWaiting: whole("maxWaiting", maxWaiting, 1, 1_000_000),
  };
}

export class Batcher {
  readonly #policy: Required<BatchPolicy>;
  /** Oldest first. */
  readonly #waiting: BatchLeaf[];
  #work: Work | null = null;
  #count = 0;
  /** Mean time to a share of all devices together; null while there is none. */
  #expectedMs: number | null = null;
  #absenceTold = false;
  #absentSinceMs: number;

  /** @throws SealError SEAL_POLICY; SEAL_BATCH where more was restored than a batch or the queue may hold */
  constructor(policy: BatchPolicy, restored: Restored, nowMs: number) {
    this.#policy = complete(policy);
    this.#absentSinceMs = nowMs;
    const { worked, waiting } = restored;
    if (waiting.length > this.#policy.maxWaiting || (worked?.length ?? 1) > BATCH_MAX || worked?.length === 0) {
      throw new SealError("SEAL_BATCH", `restored ${worked?.length ?? 0} worked and ${waiting.length} waiting results`);
    }
    this.#waiting = [...waiting];
    if (worked !== undefined) this.#begin(worked, nowMs);
  }

  /** What is being worked; after a restart what was before it. */
  get worked(): WorkedBatch | null {
    return this.#work?.batch ?? null;
  }

  /** How many results wait for the next batch. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many more may wait; what finds no room stays in the store and is offered again when there is. */
  get room(): number {
    return this.#policy.maxWaiting - this.#waiting.length;
  }

  /** @throws SealError SEAL_BATCH where there is no `room` */
  join(leaf: BatchLeaf, nowMs: number): BatchOutput[] {
    if (this.room === 0) throw new SealError("SEAL_BATCH", `${this.waiting} results wait already`);
    this.#waiting.push(leaf);
    return this.tick(nowMs);
  }

  /** @param expectedMs mean time to the next share of all devices together; null while there is no device */
  expect(expectedMs: number | null, nowMs: number): BatchOutput[] {
    if (expectedMs !== null && !(expectedMs > 0)) throw new SealError("SEAL_POLICY", `expectedMs is ${expectedMs}`);
    this.#countShares(nowMs);
    if (expectedMs !== null) this.#absenceTold = false;
    else if (this.#expectedMs !== null) this.#absentSinceMs = nowMs;
    this.#expectedMs = expectedMs;
    return this.tick(nowMs);
  }

  /** The batch is sealed and stored. A number that is not the worked batch's changes nothing. */
  sealed(number: number, nowMs: number): BatchOutput[] {
    if (this.#work?.batch.number === number) this.#work = null;
    return this.tick(nowMs);
  }

  tick(nowMs: number): BatchOutput[] {
    this.#countShares(nowMs);
    return [...this.#close(nowMs), ...this.#lateness(nowMs), ...this.#absence(nowMs)];
  }

  /** When `tick` may next have something to say, if nothing else happens; null for never. May be in the past. */
  wakeAtMs(): number | null {
    const expectedMs = this.#expectedMs;
    if (expectedMs === null) return this.#absenceTold ? null : this.#overdueAtMs();
    if (this.#work === null) return this.#closing()?.atMs ?? null;
    if (this.#work.late) return null;
    const { expectedShares, countedMs } = this.#work;
    return countedMs + (meansOfQuantile(this.#policy.lateQuantile) - expectedShares) * expectedMs;
  }

  #begin(leaves: readonly BatchLeaf[], nowMs: number): WorkedBatch {
    this.#count += 1;
    const batch = { number: this.#count, leaves };
    this.#work = { batch, sinceMs: nowMs, expectedShares: 0, countedMs: nowMs, late: false };
    return batch;
  }

  /** Without a device nothing closes: the results that wait may still share one work proof. */
  #closing(): { readonly atMs: number; readonly why: "size" | "age" | "deadline" } | null {
    const [oldest] = this.#waiting;
    if (this.#work !== null || this.#expectedMs === null || oldest === undefined) return null;
    const { maxSize, maxAgeMs, deadlineMs } = this.#policy;
    if (this.#waiting.length >= maxSize) return { atMs: oldest.joinedMs, why: "size" };
    const spareMs = Math.max(0, deadlineMs - this.#expectedMs);
    if (spareMs < maxAgeMs) return { atMs: oldest.joinedMs + spareMs, why: "deadline" };
    return { atMs: oldest.joinedMs + maxAgeMs, why: "age" };
  }

  #close(nowMs: number): BatchOutput[] {
    const closing = this.#closing();
    if (closing === null || nowMs < closing.atMs) return [];
    const leaves = this.#waiting.splice(0, this.#policy.maxSize);
    return [{ kind: "work", batch: this.#begin(leaves, nowMs), why: closing.why }];
  }

  /** Devices come and go while a batch is worked: each stretch counts at its own rate. */
  #countShares(nowMs: number): void {
    if (this.#work === null) return;
    if (this.#expectedMs !== null) this.#work.expectedShares += (nowMs - this.#work.countedMs) / this.#expectedMs;
    this.#work.countedMs = nowMs;
  }

  #lateness(nowMs: number): BatchOutput[] {
    const [work, expectedMs] = [this.#work, this.#expectedMs];
    if (work === null || expectedMs === null || work.late) return [];
    // Rounding must not make the time that `wakeAtMs` gave too early.
    if (work.expectedShares < meansOfQuantile(this.#policy.lateQuantile) - 1e-9) return [];
    work.late = true;
    return [{ kind: "late", batch: work.batch, waitedMs: nowMs - work.sinceMs, expectedMs }];
  }

  #oldest(): BatchLeaf | undefined {
    return this.#work?.batch.leaves[0] ?? this.#waiting[0];
  }

  /** Devices reconnect: that one is away for a moment is no news, however old the results are. */
  #overdueAtMs(): number | null {
    const oldest = this.#oldest();
    return oldest === undefined ? null : Math.max(oldest.joinedMs, this.#absentSinceMs) + this.#policy.deadlineMs;
  }

  #absence(nowMs: number): BatchOutput[] {
    const [oldest, overdueAtMs] = [this.#oldest(), this.#overdueAtMs()];
    if (this.#expectedMs !== null || this.#absenceTold || oldest === undefined) return [];
    if (overdueAtMs === null || nowMs < overdueAtMs) return [];
    this.#absenceTold = true;
    const results = this.waiting + (this.#work?.batch.leaves.length ?? 0);
    return [{ kind: "no-device", waitedMs: nowMs - oldest.joinedMs, results }];
  }
}
