/** Looking results and waiting messages up; from a second process too, while the appliance runs. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openReadOnly, translated } from "./database.ts";
import { type OutboxRow, outboxFromRow, RESULTS_SCHEMA, resultFromRow, type StoredResult } from "./schema.ts";
import { SealReader } from "./seal-reader.ts";

const RESULT = "SELECT sequence, resultId, utcMs, reference, fileDigest, rasterDigest, data FROM results";
const MESSAGE =
  "SELECT position, messageId, topic, qos, retain, contentType, expiryS, utcMs, payload FROM outbox WHERE position > ? ORDER BY position LIMIT ?";

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

export class ResultReader {
  /** What binds and seals the results. */
  readonly seals: SealReader;
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #latest: StatementSync;
  readonly #from: StatementSync;
  readonly #byId: StatementSync;
  readonly #byReference: StatementSync;
  readonly #messages: StatementSync;
  readonly #counts: StatementSync;

  constructor(path: string, db: DatabaseSync) {
    this.#path = path;
    this.#db = db;
    this.seals = new SealReader(path, db);
    this.#latest = db.prepare(`${RESULT} WHERE utcMs >= ? ORDER BY sequence DESC LIMIT ?`);
    this.#from = db.prepare(`${RESULT} WHERE sequence >= ? ORDER BY sequence LIMIT ?`);
    this.#byId = db.prepare(`${RESULT} WHERE resultId = ?`);
    this.#byReference = db.prepare(`${RESULT} WHERE reference = ? ORDER BY sequence DESC LIMIT ?`);
    this.#messages = db.prepare(MESSAGE);
    this.#counts = db.prepare("SELECT count(*) AS rows, coalesce(sum(sizeBytes), 0) AS bytes FROM outbox");
  }

  /** Opens the file of an appliance that may be running. @throws StoreError STORE_MISSING, STORE_DAMAGED, STORE_OPEN */
  static open(path: string): ResultReader {
    return translated(path, () => new ResultReader(path, openReadOnly(path, RESULTS_SCHEMA)));
  }

  /** Newest first. */
  list({ limit, sinceUtcMs = 0 }: ListOptions): StoredResult[] {
    return this.#rows(() => this.#latest.all(sinceUtcMs, limit).map(resultFromRow));
  }

  /** Oldest first, beginning with `sequence`: what a subscriber that saw a gap asks for. */
  listFrom(sequence: number, limit: number): StoredResult[] {
    return this.#rows(() => this.#from.all(sequence, limit).map(resultFromRow));
  }

  get(resultId: string): StoredResult | undefined {
    return this.#rows(() => {
      const row = this.#byId.get(resultId);
      return row === undefined ? undefined : resultFromRow(row);
    });
  }

  /** Newest first. */
  findByReference(reference: string, limit = 100): StoredResult[] {
    return this.#rows(() => this.#byReference.all(reference, limit).map(resultFromRow));
  }

  /** Waiting messages in the order of publishing, after `after`. */
  outbox(limit: number, after = 0): OutboxRow[] {
    return this.#rows(() => this.#messages.all(after, limit).map(outboxFromRow));
  }

  outboxCounts(): OutboxCounts {
    return this.#rows(() => {
      const row = this.#counts.get();
      return { rows: Number(row?.rows ?? 0), bytes: Number(row?.bytes ?? 0) };
    });
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #rows<T>(read: () => T): T {
    return translated(this.#path, read);
  }
}
