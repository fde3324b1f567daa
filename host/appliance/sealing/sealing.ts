/**
 * Seals results: gathers them in batches, has the devices work on one after the other, and extends the ledger.
 *
 * A result is bound (commitment and signature) in the transaction that stores it, so whatever ends the appliance, what
 * waits is found again at the next start. Nothing here ever delays or changes a result.
 */

import { errorCode, errorMessage } from "../../base/error.ts";
import { Batcher, type BatchOutput, type BatchPolicy, type WorkedBatch } from "../../seal/batch.ts";
import { bindResult } from "../../seal/bind.ts";
import { type ClosedBatch, closeBatch } from "../../seal/closed-batch.ts";
import type { ResultToBind } from "../../seal/commitment.ts";
import { fromHex, toHex } from "../../seal/fields.ts";
import { extendLedger, type LedgerHead } from "../../seal/ledger.ts";
import { togetherMs } from "../../seal/share-times.ts";
import type { Binding } from "../../store/schema.ts";
import type { UnsealedRow } from "../../store/seal-reader.ts";
import { NOTHING, type Remembered, remembered } from "./restore.ts";
import { type SealBatchParts, type SealedBatch, sealBatch } from "./seal-batch.ts";
import { simulatedMay } from "./search.ts";

export type SealingEvent =
  | {
      readonly kind: "late";
      readonly sealedValue: string;
      readonly size: number;
      readonly waitedMs: number;
      readonly expectedMs: number;
    }
  | { readonly kind: "no-device"; readonly waitedMs: number; readonly results: number };

export interface SealingOptions extends SealBatchParts {
  /** Whether any device is configured that could seal. */
  readonly configured: boolean;
  readonly policy: BatchPolicy;
  /** May not throw. */
  readonly onSealed: (sealed: SealedBatch) => void;
  /** May not throw. */
  readonly onEvent: (event: SealingEvent) => void;
}

/** As `health.sealing` shows it. */
export interface SealingView {
  readonly state: "none" | "failed" | "absent" | "idle" | "gathering" | "working";
  readonly waiting: number;
  readonly working: number;
  readonly seals: number;
  readonly sealedResults: number;
  readonly head: string;
  readonly lastSealUtcMs?: number;
  readonly expectedMs?: number;
}

/** What a person should know of: raised by the batcher, and over when things go on. */
export interface SealingTroubles {
  readonly late: boolean;
  readonly noDevice: boolean;
  /** The stored seals contradict each other: results are bound and wait, nothing is sealed. */
  readonly failed: boolean;
}

interface Work {
  readonly batch: WorkedBatch;
  readonly closed: ClosedBatch;
}

/** Looked at this often although nothing happened: rates drift, and shares fail to come. */
const LOOK_MS = 1000;
const WAITING_MAX = 100_000;
const REFILL = 1024;
/** In one transaction: some 30 ms. */
const RESIGN = 256;

export class Sealing {
  readonly #options: SealingOptions;
  readonly #batcher: Batcher;
  readonly #stopping = new AbortController();
  /** By result id, of what waits in the batcher. */
  readonly #sequences = new Map<string, number>();
  /** Of the last result that the batcher has had; what came after it and found no room is in the store. */
  #lastSequence = 0;
  #moreInStore: boolean;
  #head: LedgerHead;
  #waiting: number;
  #lastSealUtcMs: number | undefined;
  /** The batch that was being worked at the last end; undefined once it is worked again. */
  #restored: { readonly number: number; readonly closed: ClosedBatch } | undefined;
  #work: Work | undefined;
  #working: Promise<void> = Promise.resolve();
  #late = false;
  #noDevice = false;
  #damage: unknown;
  #cancelLook: () => void = () => {};
  #stopHearing: () => void = () => {};
  #started = false;

  /** Reads what waits from the store. */
  constructor(options: SealingOptions) {
    this.#options = options;
    const waitingMax = options.policy.maxWaiting ?? WAITING_MAX;
    const { head, lastSealUtcMs, unsealed, worked, waiting } = this.#remember(waitingMax);
    this.#head = head;
    this.#lastSealUtcMs = lastSealUtcMs;
    this.#waiting = unsealed;
    this.#restored = worked;
    this.#moreInStore = waiting.length === waitingMax;
    const leaves = {
      ...(worked === undefined ? {} : { worked: worked.members.map((row) => this.#leaf(row)) }),
      waiting: waiting.map((row) => this.#leaf(row)),
    };
    this.#batcher = new Batcher({ ...options.policy, maxWaiting: waitingMax }, leaves, options.clock.nowMs());
  }

  /** 64 hex digits. */
  get publicKey(): string {
    return toHex(this.#options.key.publicKey);
  }

  /** What results say of their seal. */
  get promise(): "pending" | "none" {
    return this.#options.configured ? "pending" : "none";
  }

  /** Whether anything waits for a seal. */
  get busy(): boolean {
    return this.#waiting > 0;
  }

  get troubles(): SealingTroubles {
    return { late: this.#late, noDevice: this.#noDevice, failed: this.#damage !== undefined };
  }

  view(): SealingView {
    const working = this.#batcher.worked?.leaves.length ?? 0;
    const expectedMs = this.#expectedMs();
    return {
      state: this.#state(working, expectedMs),
      ...{ waiting: this.#waiting, working },
      ...{ seals: this.#head.seals, sealedResults: this.#head.results, head: this.#head.head },
      ...(this.#lastSealUtcMs === undefined ? {} : { lastSealUtcMs: this.#lastSealUtcMs }),
      ...(expectedMs === null ? {} : { expectedMs }),
    };
  }

  /** What binds a result; made inside the transaction that stores it. @throws SealError SEAL_RESULT */
  bind(result: ResultToBind): Binding {
    return bindResult(result, this.#options.key);
  }

  /** The bound result is durable: it joins the next batch. In the order of sequence numbers. */
  stored(row: UnsealedRow): void {
    this.#waiting += 1;
    if (this.#damage !== undefined) return;
    this.#moreInStore ||= this.#batcher.room === 0;
    if (!this.#moreInStore) this.#perform(this.#batcher.join(this.#leaf(row), this.#nowMs));
  }

  /** @throws StoreError */
  async start(): Promise<void> {
    const { store, key, changes, configured, onTrouble } = this.#options;
    if (this.#damage !== undefined) {
      onTrouble(errorCode(this.#damage), errorMessage(this.#damage));
      return;
    }
    // The key may be another one since: a seal and its results have one key.
    while ((await store.resign(key.publicKey, (commitment) => key.sign(commitment), RESIGN)) === RESIGN);
    if (!configured) {
      this.#tellForsaken();
      return;
    }
    this.#started = true;
    this.#stopHearing = changes.listen(() => this.#look());
    const { worked } = this.#batcher;
    if (worked !== null) this.#begin(worked);
    this.#look();
  }

  /** Ends the search; the batch that was worked on is found again at the next start. Never throws. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#cancelLook();
    this.#stopHearing();
    this.#stopping.abort();
    await this.#working;
  }

  /** Results go on where the seals are damaged: what a person mends waits for them. */
  #remember(waitingMax: number): Remembered {
    try {
      return remembered(this.#options.store.read.seals, waitingMax);
    } catch (error) {
      this.#damage = error;
      return NOTHING;
    }
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  #state(working: number, expectedMs: number | null): SealingView["state"] {
    if (!this.#options.configured) return "none";
    if (this.#damage !== undefined) return "failed";
    if (expectedMs === null) return "absent";
    if (working > 0) return "working";
    return this.busy ? "gathering" : "idle";
  }

  #expectedMs(): number | null {
    const { searchers } = this.#options;
    const simulated = simulatedMay(searchers);
    return togetherMs(searchers.map((searcher) => searcher.expectedMs(simulated)).filter((ms) => ms !== null));
  }

  /** Its age goes on counting over a restart. */
  #leaf({ resultId, sequence, commitment, utcMs }: UnsealedRow) {
    this.#sequences.set(resultId, sequence);
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    const ageMs = Math.max(0, this.#options.utcMs() - utcMs);
    return { resultId, commitment, joinedMs: this.#nowMs - ageMs };
  }

  #look(): void {
    if (!this.#started) return;
    this.#refill();
    this.#perform(this.#batcher.expect(this.#expectedMs(), this.#nowMs));
  }

  #perform(outputs: readonly BatchOutput[]): void {
    for (const output of outputs) this.#performOne(output);
    if (this.#batcher.worked === null) this.#late = false;
    if (this.#noDevice && this.#expectedMs() !== null) this.#noDevice = false;
    if (!this.#started) return;
    const wakeInMs = (this.#batcher.wakeAtMs() ?? Number.POSITIVE_INFINITY) - this.#nowMs;
    this.#cancelLook();
    this.#cancelLook = this.#options.clock.after(Math.max(1, Math.min(LOOK_MS, wakeInMs)), () => this.#look());
  }

  #performOne(output: BatchOutput): void {
    switch (output.kind) {
      case "work":
        this.#late = false;
        this.#begin(output.batch);
        break;
      case "late":
        this.#late = true;
        this.#tellLate(output);
        break;
      case "no-device":
        this.#noDevice = true;
        this.#options.onEvent({ ...output, results: this.#waiting });
        break;
    }
  }

  /** They were promised a seal when a device was configured. */
  #tellForsaken(): void {
    if (this.#waiting === 0) return;
    this.#noDevice = true;
    this.#options.onEvent({ kind: "no-device", waitedMs: 0, results: this.#waiting });
  }

  #tellLate({ batch, waitedMs, expectedMs }: Extract<BatchOutput, { kind: "late" }>): void {
    if (this.#work === undefined) return;
    const sealedValue = toHex(this.#work.closed.sealedValue);
    this.#options.onEvent({ kind: "late", sealedValue, size: batch.leaves.length, waitedMs, expectedMs });
  }

  #begin(batch: WorkedBatch): void {
    const restored = this.#restored;
    this.#restored = undefined;
    const commitments = batch.leaves.map(({ commitment }) => commitment);
    const closed = restored?.closed ?? closeBatch(commitments, fromHex(this.#head.head));
    const sequences = batch.leaves.map(({ resultId }) => this.#sequences.get(resultId) ?? 0);
    this.#work = { batch, closed };
    this.#working = sealBatch(this.#options, { closed, sequences, number: restored?.number }, this.#stopping.signal)
      .then((sealed) => {
        if (sealed !== null) this.#sealed(batch, sealed);
      })
      .catch((error: unknown) => this.#options.onTrouble(errorCode(error), errorMessage(error)));
  }

  #sealed(batch: WorkedBatch, sealed: SealedBatch): void {
    const { seal } = sealed;
    this.#head = extendLedger(this.#head, seal);
    this.#lastSealUtcMs = seal.utcMs;
    this.#waiting -= batch.leaves.length;
    this.#work = undefined;
    for (const { resultId } of batch.leaves) this.#sequences.delete(resultId);
    this.#options.onSealed(sealed);
    this.#perform(this.#batcher.sealed(batch.number, this.#nowMs));
    this.#refill();
  }

  /** What found no room before has some now; where it cannot be read, it is tried again at the next look. */
  #refill(): void {
    try {
      while (this.#moreInStore && this.#batcher.room > 0) {
        const limit = Math.min(this.#batcher.room, REFILL);
        const rows = this.#options.store.read.seals.waiting(limit, this.#lastSequence);
        this.#moreInStore = rows.length === limit;
        for (const row of rows) this.#perform(this.#batcher.join(this.#leaf(row), this.#nowMs));
      }
    } catch (error) {
      this.#options.onTrouble(errorCode(error), errorMessage(error));
    }
  }
}
