/** One batch from its closing to its seal: stored before any device hears of it, searched, verified, signed, stored. */
import { errorCode, errorMessage } from "../../base/error.ts";
import type { Clock } from "../../device/clock.ts";
import type { ClosedBatch } from "../../seal/closed-batch.ts";
import { encodeSeal, makeSeal, type Seal } from "../../seal/seal.ts";
import type { SigningKey } from "../../seal/signing-key.ts";
import type { ResultStore } from "../../store/results.ts";
import type { OutboxMessage } from "../../store/schema.ts";
import { pause, type SearchParts, searchWork } from "./search.ts";
import type { FoundWork } from "./searchers.ts";

export interface SealBatchParts extends SearchParts {
  readonly appliance: string;
  /** From which difficulty on a real device's work makes a seal say `workVerified`. */
  readonly minDifficulty: number;
  readonly store: ResultStore;
  readonly key: SigningKey;
  readonly utcMs: () => number;
  /** What is published of a seal. */
  readonly messagesOf: (seal: Seal) => readonly OutboxMessage[];
  /** A step that failed and is tried again. May not throw. */
  readonly onTrouble: (code: string, message: string) => void;
}

export interface BatchToSeal {
  readonly closed: ClosedBatch;
  /** Of its results, in the order of its tree. */
  readonly sequences: readonly number[];
  /** In the store; undefined where it is not there yet. */
  readonly number: number | undefined;
}

export interface SealedBatch {
  readonly seal: Seal;
  /** From the batch's closing to its proof. */
  readonly elapsedMs: number;
}

const RETRY_MS = { first: 500, most: 30_000 } as const;

/** Null: told to stop. Never throws: what fails is tried again for as long as it takes. */
export async function sealBatch(
  parts: SealBatchParts,
  { closed, sequences, number }: BatchToSeal,
  signal: AbortSignal,
): Promise<SealedBatch | null> {
  const { store, utcMs, clock, onTrouble, messagesOf } = parts;
  const startedMs = clock.nowMs();
  const row = { ...closed, closedUtcMs: utcMs() };
  // Durable before any device hears of it: a proof of a batch that nobody remembers would be lost work.
  const batch = number ?? (await untilDone(parts, () => store.closeBatch(row, sequences), signal));
  while (batch !== undefined) {
    const found = await searchWork(parts, closed.sealedValue, signal);
    if (found === null) return null;
    const elapsedMs = clock.nowMs() - startedMs;
    try {
      const seal = sealOf(parts, closed, found);
      const keep = () => store.sealBatch(batch, encodeSeal(seal), messagesOf(seal)).then(() => seal);
      return (await untilDone(parts, keep, signal)) === undefined ? null : { seal, elapsedMs };
    } catch (error) {
      // Work that does not verify is no work, and the devices go on; not without end at once, whatever is wrong.
      onTrouble(errorCode(error), errorMessage(error));
      await pause(clock, RETRY_MS.first, signal);
    }
  }
  return null;
}

/** @throws SealError SEAL_WORK */
function sealOf(
  { minDifficulty, appliance, utcMs, key }: SealBatchParts,
  batch: ClosedBatch,
  { proof, device, difficulty }: FoundWork,
): Seal {
  return makeSeal({ batch, proof, device, difficulty, minDifficulty, utcMs: utcMs(), appliance }, key);
}

/** A full disk or outbox must not cost a seal. Undefined: told to stop. */
async function untilDone<T>(
  { clock, onTrouble }: { readonly clock: Clock; readonly onTrouble: SealBatchParts["onTrouble"] },
  step: () => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let waitMs: number = RETRY_MS.first; !signal.aborted; waitMs = Math.min(2 * waitMs, RETRY_MS.most)) {
    try {
      return await step();
    } catch (error) {
      onTrouble(errorCode(error), errorMessage(error));
      await pause(clock, waitMs, signal);
    }
  }
  return undefined;
}
