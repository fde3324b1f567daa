/** Commitments, batches and seals of a damaged database. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { FoundBatch, FoundCommitment } from "./found-rows.ts";
import type { Rescue } from "./rescue.ts";

export class SalvagedSeals {
  readonly #rescue: Rescue;
  readonly #insert: StatementSync;
  readonly #insertBatch: StatementSync;

  constructor(db: DatabaseSync, rescue: Rescue) {
    this.#rescue = rescue;
    this.#insert = db.prepare("INSERT INTO commitments VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    this.#insertBatch = db.prepare(
      "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, length(?)) ON CONFLICT DO NOTHING",
    );
  }

  addCommitment({ sequence, commitment, signature, publicKey, batch, leaf }: FoundCommitment): void {
    const { changes } = this.#insert.run(sequence, commitment, signature, publicKey, batch, leaf);
    // Its place in a batch may be taken.
    if (changes === 0) this.#insert.run(sequence, commitment, signature, publicKey, null, null);
  }

  addBatch(row: FoundBatch): void {
    if (!this.#isSealed(row)) return;
    const { batch, root, size, previous, sealedValue, closedUtcMs, seal, prunedUtcMs } = row;
    this.#insertBatch.run(batch, root, size, previous, sealedValue, closedUtcMs, seal, prunedUtcMs, seal);
  }

  #isSealed({ seal, root, size, previous, sealedValue }: FoundBatch): boolean {
    try {
      const sealed = this.#rescue.sealedBatch(seal);
      return (
        size === sealed.size &&
        same(root, sealed.root) &&
        same(previous, sealed.previous) &&
        same(sealedValue, sealed.sealedValue)
      );
    } catch {
      // No seal.
      return false;
    }
  }
}

/**
 * Once the results are there: what binds none of them goes; a batch of which some are gone is one that was removed, and
 * what is left of it waits for a seal anew.
 *
 * @param pruning the batch whose removal had begun
 */
export function mendBatches(
  db: DatabaseSync,
  { pruning, utcMs }: { readonly pruning: string | number | undefined; readonly utcMs: number },
): void {
  db.exec("DELETE FROM commitments WHERE sequence NOT IN (SELECT sequence FROM results WHERE bound = 1)");
  db.prepare(
    `UPDATE batches SET prunedUtcMs = ? WHERE prunedUtcMs IS NULL
     AND size <> (SELECT count(*) FROM commitments WHERE commitments.batch = batches.batch)`,
  ).run(utcMs);
  db.prepare(
    `UPDATE commitments SET batch = NULL, leaf = NULL WHERE batch IS NOT NULL AND batch IS NOT ?
     AND batch NOT IN (SELECT batch FROM batches WHERE prunedUtcMs IS NULL)`,
  ).run(pruning ?? null);
}

/** As SQLite holds them. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
