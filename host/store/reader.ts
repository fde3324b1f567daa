/** Looking results and waiting messages up; from a second process too, while the appliance runs. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { errorCode } from "../base/error.ts";
import type { Vault } from "../base/vault.ts";
import { openReadOnly, translated } from "./database.ts";
import { KnownKeys } from "./known-keys.ts";
import { resultsSchema } from "./migrations.ts";
import { messageHead, type Row, Rows, resultHead } from "./rows.ts";
import type { OutboxRow, ResultHead, StoredResult, WaitingMessage } from "./schema.ts";
import { SealReader } from "./seal-reader.ts";

const RESULT = "SELECT sequence, resultId, utcMs, status, replaces, keyId, body FROM results";
const HEAD = "position, messageId, topic, qos, retain, contentType, expiryS, utcMs, sizeBytes, parkedUtcMs, parkedCode";
const WAITING = "WHERE parkedUtcMs IS NULL AND position > ? ORDER BY position LIMIT ?";
const MESSAGE_BYTES =
  "SELECT count(*) AS rows, coalesce(sum(sizeBytes), 0) AS bytes FROM outbox INDEXED BY outboxByResult";

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

/**
 * Hears of a row that does not open, while the others are given. Without it the first one is thrown.
 * @param code STORE_DAMAGED, or VAULT_KEY_UNKNOWN
 */
export type OnUnopened<Head> = (head: Head, code: string) => void;

const UNOPENED: ReadonlySet<string> = new Set(["STORE_DAMAGED", "VAULT_KEY_UNKNOWN"]);

export interface ParkedRow extends WaitingMessage {
  readonly parkedUtcMs: number;
  /** What is against it. */
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
  readonly #damaged: () => void;
  readonly #latest: StatementSync;
  readonly #from: StatementSync;
  readonly #byId: StatementSync;
  readonly #byReference: StatementSync;
  readonly #byFile: StatementSync;
  readonly #byReplaced: StatementSync;
  readonly #isReplaced: StatementSync;
  readonly #count: StatementSync;
  readonly #last: StatementSync;
  readonly #meta: StatementSync;
  readonly #messages: StatementSync;
  readonly #waiting: StatementSync;
  readonly #parked: StatementSync;
  readonly #counts: StatementSync;

  /**
   * @param damaged hears where SQLite finds the file damaged; must not throw
   * @throws VaultError VAULT_KEY_UNKNOWN where a row is encrypted with a key that the vault has not
   */
  constructor(path: string, db: DatabaseSync, vault: Vault, damaged: () => void = () => {}) {
    this.#path = path;
    this.#db = db;
    this.#damaged = damaged;
    const keys = new KnownKeys(db);
    this.#rows = new Rows(vault, (keyId) => keys.isDamaged(keyId));
    this.seals = new SealReader(path, db, damaged);
    this.#latest = db.prepare(`${RESULT} WHERE utcMs >= ? ORDER BY sequence DESC LIMIT ?`);
    this.#from = db.prepare(`${RESULT} WHERE sequence >= ? ORDER BY sequence LIMIT ?`);
    this.#byId = db.prepare(`${RESULT} WHERE resultId = ?`);
    this.#byReference = db.prepare(
      `${RESULT} WHERE referenceTag = :tag OR pseudonymTag = :tag ORDER BY sequence DESC LIMIT :limit`,
    );
    this.#byFile = db.prepare(`${RESULT} WHERE fileTag = :tag ORDER BY sequence DESC LIMIT :limit`);
    this.#byReplaced = db.prepare(`${RESULT} WHERE replaces = ? ORDER BY sequence DESC LIMIT 1`);
    this.#isReplaced = db.prepare("SELECT 1 FROM results WHERE replaces = ? LIMIT 1");
    this.#count = db.prepare("SELECT count(*) AS results FROM results");
    this.#last = db.prepare("SELECT coalesce(max(seq), 0) AS last FROM sqlite_sequence WHERE name = 'results'");
    this.#meta = db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#messages = db.prepare(`SELECT ${HEAD}, keyId, payload FROM outbox ${WAITING}`);
    this.#waiting = db.prepare(`SELECT ${HEAD} FROM outbox ${WAITING}`);
    this.#parked = db.prepare(`SELECT ${HEAD} FROM outbox WHERE parkedUtcMs IS NOT NULL ORDER BY position LIMIT ?`);
    this.#counts = db.prepare(MESSAGE_BYTES);
    for (const id of keys.inUse()) this.#rows.expectKey(id);
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
  list({ limit, sinceUtcMs = 0 }: ListOptions, onUnopened?: OnUnopened<ResultHead>): StoredResult[] {
    return this.#read(() => this.#results(this.#latest.all(sinceUtcMs, limit), onUnopened));
  }

  /** Oldest first, beginning with `sequence`: what a subscriber that saw a gap asks for. */
  listFrom(sequence: number, limit: number, onUnopened?: OnUnopened<ResultHead>): StoredResult[] {
    return this.#read(() => this.#results(this.#from.all(sequence, limit), onUnopened));
  }

  get(resultId: string): StoredResult | undefined {
    return this.#read(() => this.#one(this.#byId.get(resultId)));
  }

  /** By the caller's own reference, or by what was published in its place. Newest first. */
  findByReference(reference: string, limit = 100, onUnopened?: OnUnopened<ResultHead>): StoredResult[] {
    return this.#find(this.#byReference, this.#rows.referenceTags(reference), limit, onUnopened);
  }

  /** Of the very file with this digest, 64 lowercase hex digits. Newest first. */
  findByFile(fileDigest: string, limit = 100, onUnopened?: OnUnopened<ResultHead>): StoredResult[] {
    return this.#find(this.#byFile, this.#rows.fileTags(fileDigest), limit, onUnopened);
  }

  /** The newest result that says it replaces this one. */
  replacedBy(resultId: string): StoredResult | undefined {
    return this.#read(() => this.#one(this.#byReplaced.get(resultId)));
  }

  /** Whether another result says that it replaces this one; no result is opened for it. */
  isReplaced(resultId: string): boolean {
    return this.#read(() => this.#isReplaced.get(resultId) !== undefined);
  }

  /** How many results there are. */
  count(): number {
    return this.#read(() => Number(this.#count.get()?.results));
  }

  /** Results up to this sequence number may have been removed by the retention policy; 0 while none was. */
  get prunedThrough(): number {
    return Number(this.meta("prunedThrough") ?? 0);
  }

  /** The highest sequence number that a result was given; 0 before the first. */
  get lastSequence(): number {
    return this.#read(() => Number(this.#last.get()?.last));
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

  /** Waiting messages in the order of publishing, after `after`; none only where none that opens is left. */
  outbox(limit: number, after = 0, onUnopened?: OnUnopened<WaitingMessage>): OutboxRow[] {
    const open = (row: Row) => this.#rows.message(row);
    return this.#read(() => {
      for (let from = after; ; ) {
        const page = this.#messages.all(from, limit);
        const opened = page.flatMap((row) => openedOr(row, open, messageHead, onUnopened));
        if (opened.length > 0 || page.length === 0) return opened;
        from = Number(page.at(-1)?.position);
      }
    });
  }

  /** What waits, whether it opens or not, in the order of publishing. */
  waiting(limit: number): WaitingMessage[] {
    return this.#read(() => this.#waiting.all(0, limit).map(messageHead));
  }

  /** Messages that can never be delivered, and were set aside for that. */
  parked(limit: number): ParkedRow[] {
    return this.#read(() =>
      this.#parked.all(limit).map((row) => ({
        ...messageHead(row),
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

  /**
   * What several lookups see together: the store as it was at the first of them, whatever is stored or removed
   * meanwhile. The journal cannot be shortened until it returns.
   */
  consistently<T>(look: () => T): T {
    if (this.#db.isTransaction) return look();
    this.#read(() => this.#db.exec("BEGIN"));
    try {
      return look();
    } finally {
      if (this.#db.isTransaction) this.#read(() => this.#db.exec("COMMIT"));
    }
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #results(rows: readonly Row[], onUnopened?: OnUnopened<ResultHead>): StoredResult[] {
    return rows.flatMap((row) => openedOr(row, (row) => this.#rows.result(row), resultHead, onUnopened));
  }

  #one(row: Row | undefined): StoredResult | undefined {
    return row === undefined ? undefined : this.#rows.result(row);
  }

  /** Under each tag, for rows that an older key has tagged. */
  #find(
    statement: StatementSync,
    tags: readonly Uint8Array[],
    limit: number,
    onUnopened?: OnUnopened<ResultHead>,
  ): StoredResult[] {
    return this.#read(() => {
      const found = tags.flatMap((tag) => statement.all({ tag, limit }));
      const newest = found.sort((a, b) => Number(b.sequence) - Number(a.sequence)).slice(0, limit);
      return this.#results(newest, onUnopened);
    });
  }

  #read<T>(read: () => T): T {
    return translated(this.#path, read, this.#damaged);
  }
}

function openedOr<Opened, Head>(
  row: Row,
  open: (row: Row) => Opened,
  headOf: (row: Row) => Head,
  onUnopened: OnUnopened<Head> | undefined,
): Opened[] {
  try {
    return [open(row)];
  } catch (error) {
    const code = errorCode(error);
    if (onUnopened === undefined || !UNOPENED.has(code)) throw error;
    onUnopened(headOf(row), code);
    return [];
  }
}
