/** Looking results and waiting messages up; from a second process too, while the appliance runs. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { Vault } from "../base/vault.ts";
import { openReadOnly, translated } from "./database.ts";
import { resultsSchema } from "./migrations.ts";
import { type Row, Rows } from "./rows.ts";
import type { OutboxRow, StoredResult } from "./schema.ts";
import { SealReader } from "./seal-reader.ts";

const RESULT = "SELECT sequence, resultId, utcMs, status, replaces, keyId, body FROM results";
const MESSAGE =
  "SELECT position, messageId, topic, qos, retain, contentType, expiryS, utcMs, keyId, payload, parkedUtcMs, parkedCode FROM outbox";
const MESSAGE_BYTES =
  "SELECT count(*) AS rows, coalesce(sum(sizeBytes), 0) AS bytes FROM outbox INDEXED BY outboxByResult";
/** Every key that a table's rows name, by one look into its index for each. */
const keysOf = (table: string) => `
  WITH RECURSIVE key (id) AS (
    SELECT min(keyId) FROM ${table}
    UNION ALL SELECT (SELECT min(keyId) FROM ${table} WHERE keyId > key.id) FROM key WHERE key.id IS NOT NULL
  ) SELECT id FROM key WHERE id IS NOT NULL`;

export interface ListOptions {
  /** At most this many. */
  readonly limit: number;
  /** Only results made at or after this time. */
  readonly sinceUtcMs?: number;
}

export interface OutboxCounts {
  readonly rows: number;
  /** Sum of the payloads. */
  readonly bytes: number;
}

export interface ParkedRow extends OutboxRow {
  readonly parkedUtcMs: number;
  /** What the broker had against it. */
  readonly parkedCode: string;
}

export interface StoreUsage {
  /** Of the pages that hold something: what the database would have, were its free pages given back. */
  readonly usedBytes: number;
  /** Of the database's file. */
  readonly fileBytes: number;
}

export class ResultReader {
  /** What binds and seals the results. */
  readonly seals: SealReader;
  readonly #rows: Rows;
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #latest: StatementSync;
  readonly #from: StatementSync;
  readonly #byId: StatementSync;
  readonly #byReference: StatementSync;
  readonly #byFile: StatementSync;
  readonly #byReplaced: StatementSync;
  readonly #count: StatementSync;
  readonly #meta: StatementSync;
  readonly #messages: StatementSync;
  readonly #parked: StatementSync;
  readonly #counts: StatementSync;

  /** @throws VaultError VAULT_KEY_UNKNOWN where a row is encrypted with a key that the vault has not */
  constructor(path: string, db: DatabaseSync, vault: Vault) {
    this.#path = path;
    this.#db = db;
    this.#rows = new Rows(vault);
    this.seals = new SealReader(path, db);
    this.#latest = db.prepare(`${RESULT} WHERE utcMs >= ? ORDER BY sequence DESC LIMIT ?`);
    this.#from = db.prepare(`${RESULT} WHERE sequence >= ? ORDER BY sequence LIMIT ?`);
    this.#byId = db.prepare(`${RESULT} WHERE resultId = ?`);
    this.#byReference = db.prepare(
      `${RESULT} WHERE referenceTag = :tag OR pseudonymTag = :tag ORDER BY sequence DESC LIMIT :limit`,
    );
    this.#byFile = db.prepare(`${RESULT} WHERE fileTag = :tag ORDER BY sequence DESC LIMIT :limit`);
    this.#byReplaced = db.prepare(`${RESULT} WHERE replaces = ? ORDER BY sequence DESC LIMIT 1`);
    this.#count = db.prepare("SELECT count(*) AS results FROM results");
    this.#meta = db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#messages = db.prepare(`${MESSAGE} WHERE parkedUtcMs IS NULL AND position > ? ORDER BY position LIMIT ?`);
    this.#parked = db.prepare(`${MESSAGE} WHERE parkedUtcMs IS NOT NULL ORDER BY position LIMIT ?`);
    this.#counts = db.prepare(MESSAGE_BYTES);
    for (const table of ["results", "outbox"]) {
      for (const { id } of db.prepare(keysOf(table)).all()) this.#rows.expectKey(id);
    }
  }

  /**
   * Opens the file of an appliance that may be running.
   * @throws StoreError STORE_MISSING, STORE_DAMAGED, STORE_OPEN; VaultError VAULT_KEY_UNKNOWN
   */
  static open(path: string, vault: Vault): ResultReader {
    return translated(path, () => {
      const db = openReadOnly(path, resultsSchema(vault));
      try {
        return new ResultReader(path, db, vault);
      } catch (error) {
        db.close();
        throw error;
      }
    });
  }

  /** Newest first. */
  list({ limit, sinceUtcMs = 0 }: ListOptions): StoredResult[] {
    return this.#read(() => this.#latest.all(sinceUtcMs, limit).map(this.#result));
  }

  /** Oldest first, beginning with `sequence`: what a subscriber that saw a gap asks for. */
  listFrom(sequence: number, limit: number): StoredResult[] {
    return this.#read(() => this.#from.all(sequence, limit).map(this.#result));
  }

  get(resultId: string): StoredResult | undefined {
    return this.#read(() => this.#one(this.#byId.get(resultId)));
  }

  /** By the caller's own reference, or by what was published in its place. Newest first. */
  findByReference(reference: string, limit = 100): StoredResult[] {
    return this.#find(this.#byReference, this.#rows.referenceTags(reference), limit);
  }

  /** Of the very file with this digest, 64 lowercase hex digits. Newest first. */
  findByFile(fileDigest: string, limit = 100): StoredResult[] {
    return this.#find(this.#byFile, this.#rows.fileTags(fileDigest), limit);
  }

  /** The newest result that says it replaces this one. */
  replacedBy(resultId: string): StoredResult | undefined {
    return this.#read(() => this.#one(this.#byReplaced.get(resultId)));
  }

  /** How many results there are. */
  count(): number {
    return this.#read(() => Number(this.#count.get()?.results));
  }

  /** Results up to this sequence number may have been removed by the retention policy; 0 while none was. */
  get prunedThrough(): number {
    return Number(this.meta("prunedThrough") ?? 0);
  }

  /** A fact about the store itself. */
  meta(name: string): SQLOutputValue | undefined {
    return this.#read(() => this.#meta.get(name)?.value);
  }

  usage(): StoreUsage {
    return this.#read(() => {
      const [pages = 0, free = 0, bytes = 0] = ["page_count", "freelist_count", "page_size"].map((name) =>
        Number(this.#db.prepare(`PRAGMA ${name}`).get()?.[name]),
      );
      return { usedBytes: (pages - free) * bytes, fileBytes: pages * bytes };
    });
  }

  /** Waiting messages in the order of publishing, after `after`. */
  outbox(limit: number, after = 0): OutboxRow[] {
    return this.#read(() => this.#messages.all(after, limit).map((row) => this.#rows.message(row)));
  }

  /** Messages that the broker will never take, and were set aside for that. */
  parked(limit: number): ParkedRow[] {
    return this.#read(() =>
      this.#parked.all(limit).map((row) => ({
        ...this.#rows.message(row),
        parkedUtcMs: Number(row.parkedUtcMs),
        parkedCode: String(row.parkedCode),
      })),
    );
  }

  /** Of all that wait, those that were set aside among them. */
  outboxCounts(): OutboxCounts {
    return this.#read(() => {
      const row = this.#counts.get();
      return { rows: Number(row?.rows ?? 0), bytes: Number(row?.bytes ?? 0) };
    });
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  readonly #result = (row: Row) => this.#rows.result(row);

  #one(row: Row | undefined): StoredResult | undefined {
    return row === undefined ? undefined : this.#rows.result(row);
  }

  /** Under each tag, for rows that an older key has tagged. */
  #find(statement: StatementSync, tags: readonly Uint8Array[], limit: number): StoredResult[] {
    return this.#read(() => {
      const found = tags.flatMap((tag) => statement.all({ tag, limit }));
      const newest = found.sort((a, b) => Number(b.sequence) - Number(a.sequence)).slice(0, limit);
      return newest.map(this.#result);
    });
  }

  #read<T>(read: () => T): T {
    return translated(this.#path, read);
  }
}
