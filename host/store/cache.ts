/**
 * Values that are dear to compute and cheap to lose: a rebuildable file, bounded in bytes, least recently used out.
 *
 * The caller composes a key that names everything that decides the value. Whatever goes wrong here is a miss:
 * no error of the cache ever reaches a result.
 *
 * Values are results and what they are made of: they are encrypted, and found by a tag instead of their key. Under
 * another encryption key nothing is found, and what was there goes by its age.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { errorCode, errorMessage } from "../base/error.ts";
import type { Vault } from "../base/vault.ts";
import { foreignWrites, openDatabase, type Schema, storeError } from "./database.ts";
import { CacheError } from "./errors.ts";

export type Namespace = "raster" | "attention" | "result";

export interface CacheOptions {
  readonly path: string;
  /** Bound on keys, values and `ENTRY_BYTES` an entry; the file is a few per cent larger. */
  readonly maxBytes: number;
  readonly vault: Vault;
}

export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Entries that did not open, and whole files that were set aside. */
  readonly damaged: number;
  readonly evicted: number;
  /** Reads and writes the disk refused. */
  readonly failed: number;
  readonly entries: number;
  readonly bytes: number;
}

/** What an entry costs besides its key and value. */
export const ENTRY_BYTES = 128;
/** Uses remembered before they are written: a hit costs no write, a crash forgets only the order of these. */
const TOUCHES_MAX = 1024;

const PURPOSE = "cache";

const SCHEMA: Schema = {
  synchronous: "OFF",
  migrations: [
    `
    CREATE TABLE entries (
      id INTEGER PRIMARY KEY,
      namespace TEXT NOT NULL,
      key TEXT NOT NULL,
      used INTEGER NOT NULL,
      costBytes INTEGER NOT NULL,
      checksum BLOB NOT NULL,
      value BLOB NOT NULL,
      UNIQUE (namespace, key)
    ) STRICT;
    CREATE INDEX entriesByUse ON entries (used, costBytes);
    `,
    `
    DROP TABLE entries;
    CREATE TABLE entries (
      id INTEGER PRIMARY KEY,
      tag BLOB NOT NULL UNIQUE,
      used INTEGER NOT NULL,
      costBytes INTEGER NOT NULL,
      value BLOB NOT NULL
    ) STRICT;
    CREATE INDEX entriesByUse ON entries (used, costBytes);
    `,
  ],
};

interface Statements {
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly touch: StatementSync;
  readonly drop: StatementSync;
  readonly oldest: StatementSync;
  readonly totals: StatementSync;
  readonly costOf: StatementSync;
}

interface Open {
  readonly db: DatabaseSync;
  readonly sql: Statements;
  readonly foreign: () => boolean;
}

export class Cache {
  readonly #options: CacheOptions;
  readonly #touched = new Map<number, number>();
  #open: Open;
  #clock = 0;
  #entries = 0;
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #damaged = 0;
  #evicted = 0;
  #failed = 0;

  /** A damaged file is renamed to `PATH.damaged` and replaced. @throws CacheError CACHE_OPEN */
  constructor(options: CacheOptions) {
    this.#options = options;
    this.#open = this.#openOrRebuild();
  }

  /** @returns the value, or undefined for a miss; a damaged entry is dropped, counted and a miss */
  get(namespace: Namespace, key: string): Uint8Array | undefined {
    const value = this.#guarded(() => this.#lookUp(namespace, key));
    if (value === undefined) this.#misses += 1;
    else this.#hits += 1;
    return value;
  }

  /** @returns false when it was not kept: larger than the whole cache, or the disk refused it */
  set(namespace: Namespace, key: string, value: Uint8Array): boolean {
    const costBytes = namespace.length + Buffer.byteLength(key) + value.length + ENTRY_BYTES;
    if (costBytes > this.#options.maxBytes) return false;
    return this.#guarded(() => this.#store(namespace, key, value, costBytes)) ?? false;
  }

  get stats(): CacheStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      damaged: this.#damaged,
      evicted: this.#evicted,
      failed: this.#failed,
      entries: this.#entries,
      bytes: this.#bytes,
    };
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open.db.isOpen) return;
    this.#guarded(() => this.#transaction(() => this.#writeTouches()));
    if (this.#open.db.isOpen) this.#open.db.close();
  }

  #lookUp(namespace: Namespace, key: string): Uint8Array | undefined {
    const tag = this.#tagOf(namespace, key);
    const row = this.#open.sql.get.get(tag);
    if (row === undefined) return undefined;
    const { id } = row;
    const value = this.#opened(tag, row.value);
    if (value === undefined) return this.#dropDamaged(Number(id));
    this.#touched.set(Number(id), ++this.#clock);
    if (this.#touched.size >= TOUCHES_MAX) this.#flushTouches();
    return value;
  }

  #tagOf(namespace: Namespace, key: string): Uint8Array {
    return this.#options.vault.tag(PURPOSE, `${namespace}\0${key}`);
  }

  /** Under the tag's own key: another one would have another tag. */
  #opened(tag: Uint8Array, value: SQLOutputValue | undefined): Uint8Array | undefined {
    if (!(value instanceof Uint8Array)) return undefined;
    const { vault } = this.#options;
    try {
      return vault.open(PURPOSE, vault.currentKeyId, value, tag);
    } catch (error) {
      if (errorCode(error) === "VAULT_DAMAGED") return undefined;
      throw error;
    }
  }

  #dropDamaged(id: number): undefined {
    this.#damaged += 1;
    this.#drop(id);
  }

  #drop(id: number): void {
    const gone = this.#open.sql.drop.get(id);
    this.#touched.delete(id);
    if (gone === undefined) return;
    this.#entries -= 1;
    this.#bytes -= Number(gone.costBytes);
  }

  #store(namespace: Namespace, key: string, value: Uint8Array, costBytes: number): boolean {
    const tag = this.#tagOf(namespace, key);
    const { bytes } = this.#options.vault.seal(PURPOSE, value, tag);
    this.#transaction(() => {
      if (this.#open.foreign()) this.#recount();
      const { sql } = this.#open;
      const old = sql.costOf.get(tag);
      if (old !== undefined) this.#drop(Number(old.id));
      sql.put.run(tag, ++this.#clock, costBytes, bytes);
      this.#entries += 1;
      this.#bytes += costBytes;
      if (this.#bytes > this.#options.maxBytes) this.#evict();
    });
    return true;
  }

  #evict(): void {
    this.#writeTouches();
    while (this.#bytes > this.#options.maxBytes) {
      const oldest = this.#open.sql.oldest.get();
      if (oldest === undefined) {
        this.#recount();
        return;
      }
      this.#drop(Number(oldest.id));
      this.#evicted += 1;
    }
  }

  /** When the disk refuses, the order of use is forgotten; the hit stays a hit. */
  #flushTouches(): void {
    if (this.#guarded(() => this.#transaction(() => this.#writeTouches())) === undefined) this.#touched.clear();
  }

  #writeTouches(): void {
    for (const [id, used] of this.#touched) this.#open.sql.touch.run(used, id);
    this.#touched.clear();
  }

  #recount(open = this.#open): void {
    const totals = open.sql.totals.get();
    this.#entries = Number(totals?.entries ?? 0);
    this.#bytes = Number(totals?.bytes ?? 0);
    this.#clock = Math.max(this.#clock, Number(totals?.clock ?? 0));
  }

  #transaction(action: () => void): void {
    const { db } = this.#open;
    db.exec("BEGIN IMMEDIATE");
    try {
      action();
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      this.#recount();
      throw error;
    }
  }

  /** Runs `action`; damage found on the way costs the file, anything else the one value. */
  #guarded<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      if (storeError(this.#options.path, error).code === "STORE_DAMAGED") this.#rebuild();
      else this.#failed += 1;
      return undefined;
    }
  }

  #rebuild(): void {
    try {
      if (this.#open.db.isOpen) this.#open.db.close();
      this.#setAside();
      this.#open = this.#openFile();
    } catch {
      this.#failed += 1;
    }
  }

  #openOrRebuild(): Open {
    try {
      return this.#openFile();
    } catch (error) {
      if (errorCode(error) !== "STORE_DAMAGED" && errorCode(error) !== "STORE_NEWER") throw cacheOpen(error);
    }
    try {
      this.#setAside();
      return this.#openFile();
    } catch (error) {
      throw cacheOpen(error);
    }
  }

  #openFile(): Open {
    // Every value tells by itself whether it is whole, and what else is damaged shows when it is read: no need to read it all now.
    const db = openDatabase(this.#options.path, SCHEMA, { checkIntegrity: false, busyTimeoutMs: 250 });
    try {
      const open = { db, sql: prepare(db), foreign: foreignWrites(db) };
      this.#recount(open);
      return open;
    } catch (error) {
      db.close();
      throw storeError(this.#options.path, error);
    }
  }

  #setAside(): void {
    const { path } = this.#options;
    this.#damaged += 1;
    this.#touched.clear();
    this.#entries = 0;
    this.#bytes = 0;
    for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
    rmSync(`${path}.damaged`, { force: true });
    if (existsSync(path)) renameSync(path, `${path}.damaged`);
  }
}

function prepare(db: DatabaseSync): Statements {
  return {
    get: db.prepare("SELECT id, value FROM entries WHERE tag = ?"),
    put: db.prepare("INSERT INTO entries VALUES (NULL, ?, ?, ?, ?)"),
    touch: db.prepare("UPDATE entries SET used = ? WHERE id = ?"),
    drop: db.prepare("DELETE FROM entries WHERE id = ? RETURNING costBytes"),
    oldest: db.prepare("SELECT id FROM entries ORDER BY used LIMIT 1"),
    totals: db.prepare(
      "SELECT count(*) AS entries, coalesce(sum(costBytes), 0) AS bytes, coalesce(max(used), 0) AS clock FROM entries",
    ),
    costOf: db.prepare("SELECT id FROM entries WHERE tag = ?"),
  };
}

function cacheOpen(error: unknown): CacheError {
  return new CacheError("CACHE_OPEN", errorMessage(error), { cause: error });
}
