/**
 * What the retention policy removes next. Pure: what is there is found out elsewhere, and so is the removing.
 *
 * What is not yet delivered or waits for its seal is not among what it is told of, and so never removed. Results go
 * with the whole batch that sealed them, or, where they were never bound, by themselves; the oldest first.
 */

export interface RetentionPolicy {
  /** Of the database, its journal included. */
  readonly maxBytes: number;
  /** Null: no limit of age. */
  readonly maxAgeMs: number | null;
}

/** What may be removed now, and why it might be. */
export interface RetentionFacts {
  readonly utcMs: number;
  /** False where the clock may be wrong: then nothing is old. */
  readonly timeTrusted: boolean;
  /** In use, free pages not counted. */
  readonly usedBytes: number;
  /** The batch whose removal has begun. */
  readonly begun: number | undefined;
  /** The oldest batch that is sealed and delivered whole. */
  readonly batch: { readonly batch: number; readonly closedUtcMs: number } | undefined;
  /** Time of the oldest result that was never bound and is delivered. */
  readonly unboundUtcMs: number | undefined;
  /** Of all seals. */
  readonly ledgerBytes: number;
  /** The oldest seal is one of a batch whose results are gone. */
  readonly ledgerRemovable: boolean;
}

export type RetentionStep =
  | { readonly kind: "batch"; readonly batch: number }
  /** The results that were never bound and are older than this, or as old. */
  | { readonly kind: "unbound"; readonly throughUtcMs: number }
  /** The oldest seals whose results are gone. */
  | { readonly kind: "ledger" }
  | { readonly kind: "none" };

/** What of the journal stays on the disk; of a small store a quarter at most. */
const JOURNAL_BYTES = 16 * 2 ** 20;
/** Parts of the budget: from here on room is made … */
const HIGH = 0.9;
/** … down to here. */
const LOW = 0.85;
/** Beyond this part of the budget seals go that seal nothing any more. */
const LEDGER = 0.25;

/** What results, outbox and ledger may take together. */
export function budgetOf(maxBytes: number): number {
  return maxBytes - Math.min(JOURNAL_BYTES, maxBytes / 4);
}

/** Whether room is to be made. @param making whether it is being made already */
export function needsRoom(usedBytes: number, maxBytes: number, making: boolean): boolean {
  return usedBytes > budgetOf(maxBytes) * (making ? LOW : HIGH);
}

/** @param making as `needsRoom` said */
export function nextStep(facts: RetentionFacts, policy: RetentionPolicy, making: boolean): RetentionStep {
  const { begun, batch, unboundUtcMs } = facts;
  if (begun !== undefined) return { kind: "batch", batch: begun };
  const oldUtcMs = oldestKept(facts, policy);
  if (batch !== undefined && batch.closedUtcMs < oldUtcMs) return { kind: "batch", batch: batch.batch };
  if (unboundUtcMs !== undefined && unboundUtcMs < oldUtcMs) return { kind: "unbound", throughUtcMs: oldUtcMs - 1 };
  if (facts.ledgerRemovable && facts.ledgerBytes > budgetOf(policy.maxBytes) * LEDGER) return { kind: "ledger" };
  if (!making) return { kind: "none" };
  if (unboundUtcMs !== undefined && unboundUtcMs <= (batch?.closedUtcMs ?? unboundUtcMs)) {
    return { kind: "unbound", throughUtcMs: batch?.closedUtcMs ?? Number.MAX_SAFE_INTEGER };
  }
  return batch === undefined ? { kind: "none" } : { kind: "batch", batch: batch.batch };
}

/** What was made before this is too old. */
function oldestKept({ utcMs, timeTrusted }: RetentionFacts, { maxAgeMs }: RetentionPolicy): number {
  return maxAgeMs === null || !timeTrusted ? Number.NEGATIVE_INFINITY : utcMs - maxAgeMs;
}
