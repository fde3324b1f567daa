/** Commitments, batches and seals: looking them up; from a second process too, while the appliance runs. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { translated } from "./database.ts";
import { StoreError } from "./errors.ts";
import type { ClosedBatch } from "./seal-writer.ts";

type Row = Record<string, SQLOutputValue>;

export interface BoundRow {
  readonly sequence: number;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /** Null while it waits for one; its place in the batch's tree. */
  readonly batch: number | null;
  readonly leaf: number | null;
}

/** A result that has no seal yet. */
export interface UnsealedRow {
  readonly sequence: number;
  readonly resultId: string;
  /** When the result was made. */
  readonly utcMs: number;
  readonly commitment: Uint8Array;
}

export interface BatchRow extends ClosedBatch {
  readonly batch: number;
  /** Canonical text; null while it is being worked. */
  readonly seal: string | null;
  /** When the retention policy began to remove its results; null while all of them are there. */
  readonly prunedUtcMs: number | null;
}

/** Where the ledger begins, once its oldest seals were removed. */
export interface LedgerBase {
  /** How many seals were removed, and how many results they sealed. */
  readonly seals: number;
  readonly results: number;
  /** Sealed value of the last of them, 64 hex digits. */
  readonly head: string;
}

export interface SealCounts {
  /** Those that the retention policy has removed since among them, as for the results. */
  readonly seals: number;
  readonly sealedResults: number;
  /** Bound results without a seal. */
  readonly waiting: number;
}

const UNSEALED = `SELECT sequence, resultId, utcMs, commitment FROM commitments JOIN results USING (sequence)`;
const BATCH = "SELECT batch, root, size, previous, sealedValue, closedUtcMs, seal, prunedUtcMs FROM batches";
const LEDGER_PAGE = 256;

export class SealReader {
  readonly #path: string;
  readonly #damaged: () => void;
  readonly #of: StatementSync;
  readonly #batch: StatementSync;
  readonly #worked: StatementSync;
  readonly #newest: StatementSync;
  readonly #members: StatementSync;
  readonly #commitments: StatementSync;
  readonly #waiting: StatementSync;
  readonly #seals: StatementSync;
  readonly #counts: StatementSync;
  readonly #base: StatementSync;

  /** @param damaged as ResultReader's */
  constructor(path: string, db: DatabaseSync, damaged: () => void) {
    this.#path = path;
    this.#damaged = damaged;
    this.#of = db.prepare(
      "SELECT sequence, commitment, signature, batch, leaf FROM commitments JOIN results USING (sequence) WHERE resultId = ?",
    );
    this.#batch = db.prepare(`${BATCH} WHERE batch = ?`);
    this.#worked = db.prepare(`${BATCH} WHERE seal IS NULL`);
    this.#newest = db.prepare(`${BATCH} WHERE seal IS NOT NULL ORDER BY batch DESC LIMIT 1`);
    this.#members = db.prepare(`${UNSEALED} WHERE batch = ? ORDER BY leaf`);
    this.#commitments = db.prepare("SELECT commitment FROM commitments WHERE batch = ? ORDER BY leaf");
    this.#waiting = db.prepare(`${UNSEALED} WHERE batch IS NULL AND sequence > ? ORDER BY sequence LIMIT ?`);
    this.#seals = db.prepare(
      "SELECT batch, seal FROM batches WHERE seal IS NOT NULL AND batch > ? ORDER BY batch LIMIT ?",
    );
    this.#base = db.prepare("SELECT value FROM meta WHERE name = 'ledgerBase'");
    this.#counts = db.prepare(
      `SELECT count(*) AS seals, coalesce(sum(size), 0) AS sealedResults,
       (SELECT count(*) FROM commitments WHERE batch IS NULL)
       + (SELECT coalesce(sum(size), 0) FROM batches WHERE seal IS NULL) AS waiting FROM batches INDEXED BY batchesSealed WHERE sealBytes IS NOT NULL`,
    );
  }

  /** Undefined where the result is unknown or never sealed. */
  of(resultId: string): BoundRow | undefined {
    return this.#one(this.#of, [resultId], (row) => ({
      sequence: Number(row.sequence),
      commitment: bytes(row.commitment),
      signature: bytes(row.signature),
      batch: row.batch === null ? null : Number(row.batch),
      leaf: row.leaf === null ? null : Number(row.leaf),
    }));
  }

  batch(batch: number): BatchRow | undefined {
    return this.#one(this.#batch, [batch], batchFromRow);
  }

  /** The batch that is being worked. */
  worked(): BatchRow | undefined {
    return this.#one(this.#worked, [], batchFromRow);
  }

  /** The batch that was sealed last. */
  newest(): BatchRow | undefined {
    return this.#one(this.#newest, [], batchFromRow);
  }

  /** In the order of the batch's tree. */
  membersOf(batch: number): UnsealedRow[] {
    return this.#read(() => this.#members.all(batch).map(unsealedFromRow));
  }

  /** In the order of the batch's tree. */
  commitmentsOf(batch: number): Uint8Array[] {
    return this.#read(() => this.#commitments.all(batch).map((row) => bytes(row.commitment)));
  }

  /** Bound and in no batch, oldest first. @param after sequence number of the last one already taken */
  waiting(limit: number, after = 0): UnsealedRow[] {
    return this.#read(() => this.#waiting.all(after, limit).map(unsealedFromRow));
  }

  /** Every seal's text, oldest first; read in pages, so that a long ledger needs no memory. */
  *ledger(): Generator<string> {
    let after = 0;
    for (;;) {
      const page = this.#read(() => this.#seals.all(after, LEDGER_PAGE));
      for (const { seal } of page) yield String(seal);
      if (page.length < LEDGER_PAGE) return;
      after = Number(page.at(-1)?.batch);
    }
  }

  /** Null while the ledger is whole. */
  base(): LedgerBase | null {
    const value = this.#read(() => this.#base.get())?.value;
    return value === undefined ? null : (JSON.parse(String(value)) as LedgerBase);
  }

  counts(): SealCounts {
    const row = this.#read(() => this.#counts.get());
    const base = this.base();
    return {
      seals: Number(row?.seals) + (base?.seals ?? 0),
      sealedResults: Number(row?.sealedResults) + (base?.results ?? 0),
      waiting: Number(row?.waiting),
    };
  }

  #one<T>(statement: StatementSync, values: (string | number)[], read: (row: Row) => T): T | undefined {
    return this.#read(() => {
      const row = statement.get(...values);
      return row === undefined ? undefined : read(row);
    });
  }

  #read<T>(read: () => T): T {
    return translated(this.#path, read, this.#damaged);
  }
}

function unsealedFromRow(row: Row): UnsealedRow {
  return {
    sequence: Number(row.sequence),
    resultId: String(row.resultId),
    utcMs: Number(row.utcMs),
    commitment: bytes(row.commitment),
  };
}

function batchFromRow(row: Row): BatchRow {
  return {
    batch: Number(row.batch),
    root: bytes(row.root),
    size: Number(row.size),
    previous: bytes(row.previous),
    sealedValue: bytes(row.sealedValue),
    closedUtcMs: Number(row.closedUtcMs),
    seal: row.seal === null ? null : String(row.seal),
    prunedUtcMs: row.prunedUtcMs === null ? null : Number(row.prunedUtcMs),
  };
}

function bytes(value: SQLOutputValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new StoreError("STORE_DAMAGED", "a hash is not there");
}
