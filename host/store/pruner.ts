/** Removing what the retention policy says. Every writing call runs inside the caller's transaction. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { RetentionFacts } from "./retention.ts";
import type { Row } from "./rows.ts";
import type { LedgerBase } from "./seal-reader.ts";
import { Walk } from "./walk.ts";

/** What the retention policy is told by the database. */
export interface Removable
  extends Pick<RetentionFacts, "begun" | "batch" | "unboundUtcMs" | "ledgerBytes" | "ledgerRemovable"> {
  /** There is more to look at before it is known what may be removed: look again. */
  readonly more: boolean;
}

/** The batch whose removal has begun, and the highest sequence number that was removed. */
const BEGUN = "pruning";
const THROUGH = "prunedThrough";
const LEDGER_BASE = "ledgerBase";
/** What a batch takes besides its seal's text. */
const BATCH_BYTES = 400;
const NO_BASE: LedgerBase = { seals: 0, results: 0, head: "" };

/** So many results or messages are looked at at once, and batches, of which each may have a thousand results. */
const LOOK_ROWS = 1_024;
const LOOK_BATCHES = 32;

const NOT_DELIVERED = "EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence =";

const OLDEST = { utcMs: Number.MIN_SAFE_INTEGER, position: 0 };

export interface Removed {
  readonly rows: number;
  readonly bytes: number;
}

export class Pruner {
  readonly #meta: StatementSync;
  readonly #setMeta: StatementSync;
  readonly #clearMeta: StatementSync;
  readonly #batches: Walk;
  readonly #unbound: Walk;
  readonly #mark: StatementSync;
  readonly #members: StatementSync;
  readonly #unboundThrough: StatementSync;
  readonly #dropCommitment: StatementSync;
  readonly #dropResult: StatementSync;
  readonly #aged: StatementSync;
  readonly #dropMessage: StatementSync;
  readonly #ledgerBytes: StatementSync;
  readonly #ledgerSince: StatementSync;
  readonly #lastSealed: StatementSync;
  readonly #oldest: StatementSync;
  readonly #dropBatch: StatementSync;
  /** Messages up to this one were looked at, and tell of something else. */
  #agedAfter = OLDEST;
  /** Of the seals up to a batch; undefined where they are to be counted anew. */
  #counted: { readonly batch: number; readonly bytes: number } | undefined;

  constructor(db: DatabaseSync) {
    this.#meta = db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#setMeta = db.prepare(
      "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    this.#clearMeta = db.prepare("DELETE FROM meta WHERE name = ?");
    this.#batches = new Walk(
      db.prepare(
        `SELECT batch AS number, closedUtcMs AS utcMs, NOT EXISTS (
           SELECT 1 FROM commitments WHERE commitments.batch = batches.batch AND ${NOT_DELIVERED} commitments.sequence)
         ) AS free FROM batches INDEXED BY batchesKept
         WHERE seal IS NOT NULL AND prunedUtcMs IS NULL AND (closedUtcMs, batch) >= (:utcMs, :number)
         ORDER BY closedUtcMs, batch LIMIT :most`,
      ),
      LOOK_BATCHES,
    );
    const unbound = "FROM results INDEXED BY resultsUnbound WHERE bound = 0 AND (utcMs, sequence) >= (:utcMs, :number)";
    this.#unbound = new Walk(
      db.prepare(
        `SELECT sequence AS number, utcMs, NOT ${NOT_DELIVERED} results.sequence) AS free ${unbound}
         ORDER BY utcMs, sequence LIMIT :most`,
      ),
      LOOK_ROWS,
    );
    this.#unboundThrough = db.prepare(
      `SELECT sequence FROM (
         SELECT sequence, utcMs ${unbound} AND utcMs <= :through ORDER BY utcMs, sequence LIMIT ${LOOK_ROWS}
       ) AS looked WHERE NOT ${NOT_DELIVERED} looked.sequence) ORDER BY utcMs, sequence LIMIT :most`,
    );
    this.#mark = db.prepare("UPDATE batches SET prunedUtcMs = coalesce(prunedUtcMs, ?) WHERE batch = ?");
    this.#members = db.prepare("SELECT sequence FROM commitments WHERE batch = ? ORDER BY leaf LIMIT ?");
    this.#dropCommitment = db.prepare("DELETE FROM commitments WHERE sequence = ?");
    this.#dropResult = db.prepare("DELETE FROM results WHERE sequence = ?");
    const sum = `SELECT coalesce(sum(sealBytes), 0) + ${BATCH_BYTES} * count(*) AS bytes FROM batches`;
    this.#ledgerBytes = db.prepare(`${sum} INDEXED BY batchesSealed WHERE sealBytes IS NOT NULL`);
    this.#ledgerSince = db.prepare(`${sum} WHERE batch > ? AND batch <= ? AND sealBytes IS NOT NULL`);
    this.#lastSealed = db.prepare("SELECT batch FROM batches WHERE sealBytes IS NOT NULL ORDER BY batch DESC LIMIT 1");
    this.#oldest = db.prepare(
      `SELECT batch, size, sealedValue, sealBytes, prunedUtcMs FROM batches
       WHERE batch < (SELECT max(batch) FROM batches WHERE seal IS NOT NULL) ORDER BY batch LIMIT ?`,
    );
    this.#dropBatch = db.prepare("DELETE FROM batches WHERE batch = ?");
    this.#aged = db.prepare(
      `SELECT position, topic, utcMs FROM outbox INDEXED BY outboxByResult
       WHERE sequence IS NULL AND (utcMs, position) > (:utcMs, :position) AND utcMs < :before
       ORDER BY utcMs, position LIMIT ${LOOK_ROWS}`,
    );
    this.#dropMessage = db.prepare("DELETE FROM outbox WHERE position = ? RETURNING sizeBytes");
  }

  /** What may be removed. @param results whether results are to be looked for */
  facts(results: boolean): Removable {
    const begun = this.#meta.get(BEGUN)?.value;
    const batch = results ? this.#batches.look() : undefined;
    const unbound = results ? this.#unbound.look() : undefined;
    const goesOn = (walk: Walk, found: unknown) => results && found === undefined && walk.isUnderWay;
    return {
      begun: begun === undefined ? undefined : Number(begun),
      batch: batch === undefined ? undefined : { batch: Number(batch.number), closedUtcMs: Number(batch.utcMs) },
      unboundUtcMs: unbound === undefined ? undefined : Number(unbound.utcMs),
      ledgerBytes: this.#countLedger(),
      ledgerRemovable: this.#oldestEmpty(1).length === 1,
      more: goesOn(this.#batches, batch) || goesOn(this.#unbound, unbound),
    };
  }

  /** What was counted was undone. */
  recount(): void {
    this.#counted = undefined;
  }

  /** Only what came since the last time: batches are sealed one after the other. */
  #countLedger(): number {
    const batch = Number(this.#lastSealed.get()?.batch ?? 0);
    const before = this.#counted;
    const row = before === undefined ? this.#ledgerBytes.get() : this.#ledgerSince.get(before.batch, batch);
    this.#counted = { batch, bytes: (before?.bytes ?? 0) + Number(row?.bytes) };
    return this.#counted.bytes;
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
    const looked = this.#unboundThrough.all({ ...this.#unbound.from, through: throughUtcMs, most });
    const sequences = looked.map(({ sequence }) => Number(sequence));
    for (const sequence of sequences) this.#dropResult.run(sequence);
    this.#noteThrough(sequences);
    return sequences.length;
  }

  /** Removes waiting messages of a topic that tell of no result, of the next few that are old enough. */
  messages(topic: string, beforeUtcMs: number, most: number): Removed {
    const looked = this.#aged.all({ ...this.#agedAfter, before: beforeUtcMs });
    const found = looked.filter((row) => row.topic === topic);
    if (found.length <= most) this.#agedAfter = looked.length < LOOK_ROWS ? OLDEST : placeOf(looked.at(-1));
    const sizes = found
      .slice(0, most)
      .map(({ position }) => Number(this.#dropMessage.get(Number(position))?.sizeBytes));
    return { rows: sizes.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
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
    const removed = batches.reduce((sum, { sealBytes }) => sum + BATCH_BYTES + Number(sealBytes), 0);
    if (this.#counted !== undefined) this.#counted = { ...this.#counted, bytes: this.#counted.bytes - removed };
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

function placeOf(row: Row | undefined): typeof OLDEST {
  return { utcMs: Number(row?.utcMs), position: Number(row?.position) };
}
