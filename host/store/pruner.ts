/** Removing what the retention policy says. Every writing call runs inside the caller's transaction. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { RetentionFacts } from "./retention.ts";
import type { LedgerBase } from "./seal-reader.ts";

/** What the retention policy is told by the database. */
export type Removable = Pick<RetentionFacts, "begun" | "batch" | "unboundUtcMs" | "ledgerBytes" | "ledgerRemovable">;

/** The batch whose removal has begun, and the highest sequence number that was removed. */
const BEGUN = "pruning";
const THROUGH = "prunedThrough";
const LEDGER_BASE = "ledgerBase";
/** What a batch takes besides its seal's text. */
const BATCH_BYTES = 400;
const NO_BASE: LedgerBase = { seals: 0, results: 0, head: "" };

const NOT_DELIVERED = "EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence =";

export interface Removed {
  readonly rows: number;
  readonly bytes: number;
}

export class Pruner {
  readonly #meta: StatementSync;
  readonly #setMeta: StatementSync;
  readonly #clearMeta: StatementSync;
  readonly #batch: StatementSync;
  readonly #unbound: StatementSync;
  readonly #mark: StatementSync;
  readonly #members: StatementSync;
  readonly #unboundThrough: StatementSync;
  readonly #dropCommitment: StatementSync;
  readonly #dropResult: StatementSync;
  readonly #dropAged: StatementSync;
  readonly #ledgerBytes: StatementSync;
  readonly #oldest: StatementSync;
  readonly #dropBatch: StatementSync;

  constructor(db: DatabaseSync) {
    this.#meta = db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#setMeta = db.prepare(
      "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    this.#clearMeta = db.prepare("DELETE FROM meta WHERE name = ?");
    this.#batch = db.prepare(
      `SELECT batch, closedUtcMs FROM batches INDEXED BY batchesKept WHERE seal IS NOT NULL AND prunedUtcMs IS NULL
       AND NOT EXISTS (SELECT 1 FROM commitments WHERE commitments.batch = batches.batch
         AND ${NOT_DELIVERED} commitments.sequence))
       ORDER BY closedUtcMs LIMIT 1`,
    );
    const unbound = `FROM results INDEXED BY resultsUnbound WHERE bound = 0 AND NOT ${NOT_DELIVERED} results.sequence)`;
    this.#unbound = db.prepare(`SELECT utcMs ${unbound} ORDER BY utcMs LIMIT 1`);
    this.#unboundThrough = db.prepare(`SELECT sequence ${unbound} AND utcMs <= ? ORDER BY utcMs LIMIT ?`);
    this.#mark = db.prepare("UPDATE batches SET prunedUtcMs = coalesce(prunedUtcMs, ?) WHERE batch = ?");
    this.#members = db.prepare("SELECT sequence FROM commitments WHERE batch = ? ORDER BY leaf LIMIT ?");
    this.#dropCommitment = db.prepare("DELETE FROM commitments WHERE sequence = ?");
    this.#dropResult = db.prepare("DELETE FROM results WHERE sequence = ?");
    this.#ledgerBytes = db.prepare(
      `SELECT coalesce(sum(sealBytes), 0) + ${BATCH_BYTES} * count(*) AS bytes
       FROM batches INDEXED BY batchesSealed WHERE sealBytes IS NOT NULL`,
    );
    this.#oldest = db.prepare(
      `SELECT batch, size, sealedValue, prunedUtcMs FROM batches
       WHERE batch < (SELECT max(batch) FROM batches WHERE seal IS NOT NULL) ORDER BY batch LIMIT ?`,
    );
    this.#dropBatch = db.prepare("DELETE FROM batches WHERE batch = ?");
    this.#dropAged = db.prepare(
      `DELETE FROM outbox WHERE position IN (
         SELECT position FROM outbox INDEXED BY outboxByResult WHERE sequence IS NULL AND utcMs < ? AND topic = ? LIMIT ?
       ) RETURNING sizeBytes`,
    );
  }

  /** What may be removed. */
  facts(): Removable {
    const begun = this.#meta.get(BEGUN)?.value;
    const batch = this.#batch.get();
    const unbound = this.#unbound.get();
    return {
      begun: begun === undefined ? undefined : Number(begun),
      batch: batch === undefined ? undefined : { batch: Number(batch.batch), closedUtcMs: Number(batch.closedUtcMs) },
      unboundUtcMs: unbound === undefined ? undefined : Number(unbound.utcMs),
      ledgerBytes: Number(this.#ledgerBytes.get()?.bytes),
      ledgerRemovable: this.#oldestEmpty(1).length === 1,
    };
  }

  /**
   * Removes results of a sealed batch with their commitments; the batch and its seal stay.
   * @returns how many results; fewer than `most` where none of the batch is left
   */
  batch(batch: number, utcMs: number, most: number): number {
    this.#mark.run(utcMs, batch);
    const sequences = this.#members.all(batch, most).map(({ sequence }) => Number(sequence));
    for (const sequence of sequences) {
      this.#dropCommitment.run(sequence);
      this.#dropResult.run(sequence);
    }
    if (sequences.length < most) this.#clearMeta.run(BEGUN);
    else this.#setMeta.run(BEGUN, batch);
    this.#noteThrough(sequences);
    return sequences.length;
  }

  /** Removes delivered results that were never bound, oldest first. @returns how many */
  unbound(throughUtcMs: number, most: number): number {
    const sequences = this.#unboundThrough.all(throughUtcMs, most).map(({ sequence }) => Number(sequence));
    for (const sequence of sequences) this.#dropResult.run(sequence);
    this.#noteThrough(sequences);
    return sequences.length;
  }

  /** Removes waiting messages of a topic that tell of no result. */
  messages(topic: string, beforeUtcMs: number, most: number): Removed {
    const removed = this.#dropAged.all(beforeUtcMs, topic, most);
    return { rows: removed.length, bytes: removed.reduce((sum, row) => sum + Number(row.sizeBytes), 0) };
  }

  /** Removes the oldest seals, those whose results are gone; the ledger then begins after them. @returns how many */
  ledger(most: number): number {
    const batches = this.#oldestEmpty(most);
    for (const { batch } of batches) this.#dropBatch.run(Number(batch));
    const known = this.#meta.get(LEDGER_BASE)?.value;
    const base = known === undefined ? NO_BASE : (JSON.parse(String(known)) as LedgerBase);
    const last = batches.at(-1)?.sealedValue;
    if (!(last instanceof Uint8Array)) return 0;
    const results = batches.reduce((sum, { size }) => sum + Number(size), base.results);
    const next: LedgerBase = { seals: base.seals + batches.length, results, head: Buffer.from(last).toString("hex") };
    this.#setMeta.run(LEDGER_BASE, JSON.stringify(next));
    return batches.length;
  }

  /** From the ledger's beginning on, up to the first that still has results. The newest seal always stays. */
  #oldestEmpty(most: number): Record<string, SQLOutputValue>[] {
    const begun = this.#meta.get(BEGUN)?.value;
    const rows = this.#oldest.all(most);
    const end = rows.findIndex(({ batch, prunedUtcMs }) => prunedUtcMs === null || batch === begun);
    return end === -1 ? rows : rows.slice(0, end);
  }

  #noteThrough(sequences: readonly number[]): void {
    if (sequences.length === 0) return;
    const through = Number(this.#meta.get(THROUGH)?.value ?? 0);
    this.#setMeta.run(THROUGH, Math.max(through, ...sequences));
  }
}
