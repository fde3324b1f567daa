/** Opening, creating and migrating an SQLite file, and what its errors mean. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CodedError, errorMessage } from "../base/error.ts";
import { StoreError } from "./errors.ts";
import { DEFAULT_PAGE_BYTES, PageFile } from "./page-file.ts";

/** SQL, or what SQL alone cannot do; runs inside the transaction, with foreign keys off: tables may be made anew. */
export type Migration = string | ((db: DatabaseSync) => void);

export interface Schema {
  /** Each takes the schema from version n to n + 1; `user_version` counts how many have run. */
  readonly migrations: readonly Migration[];
  /** FULL: a commit outlives a power cut. OFF: for a file that can be rebuilt. */
  readonly synchronous: "FULL" | "OFF";
}

/** What a database may have beside it, and itself: no part may come to lie beside another database. */
export const DATABASE_PARTS = ["-shm", "-wal", "-journal", ""] as const;
const SMALLEST_PAGE_BYTES = 512;
/** What of the journal stays on the disk once it has been written back. */
const JOURNAL_KEPT_BYTES = 16 * 2 ** 20;
/** The copy, the journal with new rows and old ones overwritten, and the new rows in their place: times the file. */
const MIGRATION_ROOM = 4;
const COPY_KEPT_MS = 7 * 86_400_000;

export interface OpenOptions {
  /** How long a statement waits for another process's lock, in ms; default 5,000. */
  readonly busyTimeoutMs?: number;
  /** Read every page at opening and refuse a damaged file; default true. */
  readonly checkIntegrity?: boolean;
}

/**
 * Opens a database for writing, creating or migrating it as needed.
 *
 * A new file is made under another name and renamed when its schema is complete: an empty file under the real
 * name can then only be a damaged one, and so can a journal without its database.
 *
 * @throws StoreError STORE_DAMAGED, STORE_NEWER, STORE_OPEN, STORE_BUSY, STORE_DISK_FULL, STORE_IO
 */
export function openDatabase(path: string, schema: Schema, options: OpenOptions = {}): DatabaseSync {
  return translated(path, () => {
    if (!existsSync(path)) {
      if (sizeOf(`${path}-wal`) > 0) throw new StoreError("STORE_DAMAGED", `${path} is gone but its journal is there`);
      create(path, schema);
    }
    refuseStump(path);
    refuseCutOff(path);
    const db = new DatabaseSync(path, { timeout: options.busyTimeoutMs ?? 5000 });
    try {
      prepareConnection(db, schema);
      if (options.checkIntegrity ?? true) checkIntegrity(db, path);
      refuseUnknown(versionOf(db), path, schema);
      if (schema.synchronous === "FULL") keepCopy(db, path, schema);
      migrate(db, schema);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Opens an existing database for reading, also while another process writes it.
 * @throws StoreError STORE_MISSING and STORE_OLDER besides those of `openDatabase`
 */
export function openReadOnly(path: string, schema: Schema, options: OpenOptions = {}): DatabaseSync {
  return translated(path, () => {
    if (!existsSync(path)) throw new StoreError("STORE_MISSING", `${path} does not exist`);
    refuseStump(path);
    const db = new DatabaseSync(path, { timeout: options.busyTimeoutMs ?? 5000, readOnly: true });
    try {
      refuseUnknown(versionOf(db), path, schema);
      refuseOlder(versionOf(db), path, schema);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Runs `action`; what SQLite throws becomes a StoreError with a code of its own.
 * @param damaged hears where SQLite found the file damaged; must not throw
 */
export function translated<T>(path: string, action: () => T, damaged: () => void = () => {}): T {
  try {
    return action();
  } catch (error) {
    if (isFileDamage(error)) damaged();
    throw storeError(path, error);
  }
}

/** @returns coded errors as they are, SQLite's by their result code (sqlite.org/rescode.html), others as STORE_INTERNAL */
export function storeError(path: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const detail = `${path}: ${errorMessage(error)}`;
  const code = storeCode(error);
  return new StoreError(code, detail, { cause: error });
}

function storeCode(error: unknown): ConstructorParameters<typeof StoreError>[0] {
  if (!(error instanceof Error)) return "STORE_INTERNAL";
  if ("errcode" in error && typeof error.errcode === "number") return sqliteCode(error.errcode & 0xff);
  if (!("code" in error)) return "STORE_INTERNAL";
  if (error.code === "ENOSPC") return "STORE_DISK_FULL";
  if (error.code === "ERR_INVALID_STATE") return "STORE_CLOSED";
  return typeof error.code === "string" && error.code.startsWith("E") && !error.code.startsWith("ERR_")
    ? "STORE_OPEN"
    : "STORE_INTERNAL";
}

/** Whether SQLite itself found the file damaged; a row that does not open damages no other. */
export function isFileDamage(error: unknown): boolean {
  const thrown = error instanceof CodedError ? error.cause : error;
  if (!(thrown instanceof Error) || !("errcode" in thrown) || typeof thrown.errcode !== "number") return false;
  return sqliteCode(thrown.errcode & 0xff) === "STORE_DAMAGED";
}

function sqliteCode(primary: number): ConstructorParameters<typeof StoreError>[0] {
  switch (primary) {
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return "STORE_DAMAGED";
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return "STORE_BUSY";
    case 13: // SQLITE_FULL
      return "STORE_DISK_FULL";
    case 10: // SQLITE_IOERR
      return "STORE_IO";
    case 3: // SQLITE_PERM
    case 8: // SQLITE_READONLY
    case 14: // SQLITE_CANTOPEN
      return "STORE_OPEN";
    default:
      return "STORE_INTERNAL";
  }
}

/** Tells whether another connection wrote since the last call; the first call says no. */
export function foreignWrites(db: DatabaseSync): () => boolean {
  const statement = db.prepare("PRAGMA data_version");
  let last = statement.get()?.data_version;
  return () => {
    const now = statement.get()?.data_version;
    const changed = now !== last;
    last = now;
    return changed;
  };
}

export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Smaller than any database: SQLite would take it for a new one and write over it. */
function refuseStump(path: string): void {
  const size = sizeOf(path);
  if (size < SMALLEST_PAGE_BYTES) throw new StoreError("STORE_DAMAGED", `${path} has only ${size} bytes`);
}

/** SQLite would take what is missing for zeros, and need not notice. */
function refuseCutOff(path: string): void {
  const size = sizeOf(path);
  if (size % DEFAULT_PAGE_BYTES === 0) return;
  const file = new PageFile(path);
  try {
    if (file.isCutOff) throw new StoreError("STORE_DAMAGED", `${path} ends after ${size} bytes, within a page`);
  } finally {
    file.close();
  }
}

function create(path: string, schema: Schema): void {
  const fresh = `${path}.new`;
  removeDatabase(fresh);
  const db = new DatabaseSync(fresh);
  try {
    // Without a journal of its own to leave behind: what closing does not write back, on a full disk, it tells nobody.
    db.exec(`PRAGMA synchronous = ${schema.synchronous}`);
    migrate(db, schema);
  } finally {
    db.close();
  }
  renameSync(fresh, path);
  syncFolder(dirname(path));
}

/** Nothing is lost where it is not there. */
export function removeDatabase(path: string): void {
  for (const part of DATABASE_PARTS) rmSync(path + part, { force: true });
}

/** Makes durable what was made, renamed or removed in the folder. */
export function syncFolder(folder: string): void {
  syncPath(folder, "r");
}

/** Makes a file durable, or what a folder lists. */
export function syncPath(path: string, flags: "r" | "r+"): void {
  const handle = openSync(path, flags);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function prepareConnection(db: DatabaseSync, schema: Schema): void {
  db.exec("PRAGMA journal_mode = WAL");
  db.exec(`PRAGMA synchronous = ${schema.synchronous}`);
  // Dirty pages beyond this are written to the journal before commit: a bound on memory, not on transactions.
  db.exec("PRAGMA cache_size = -8192");
  db.exec(`PRAGMA journal_size_limit = ${JOURNAL_KEPT_BYTES}`);
  // What is removed is overwritten: removed means gone.
  db.exec("PRAGMA secure_delete = ON");
}

export function checkIntegrity(db: DatabaseSync, path: string): void {
  const verdict = db.prepare("PRAGMA quick_check(1)").get()?.quick_check;
  if (verdict !== "ok") throw new StoreError("STORE_DAMAGED", `${path}: ${String(verdict)}`);
}

/** Foreign keys are off meanwhile: dropping a table to make it anew would else delete, or be refused for, what refers to it. */
function migrate(db: DatabaseSync, schema: Schema): void {
  if (versionOf(db) === schema.migrations.length) return;
  // Has no effect inside a transaction.
  db.exec("PRAGMA foreign_keys = OFF");
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const migration of schema.migrations.slice(versionOf(db))) {
      if (typeof migration === "string") db.exec(migration);
      else migration(db);
    }
    const orphan = db.prepare("PRAGMA foreign_key_check").get();
    if (orphan !== undefined) throw new StoreError("STORE_DAMAGED", `a row of ${orphan.table} refers to nothing`);
    db.exec(`PRAGMA user_version = ${schema.migrations.length}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  } finally {
    db.exec("PRAGMA foreign_keys = ON");
  }
}

/**
 * The file of version 2 is kept as `PATH.v2` before it becomes another. Then the file itself is written anew: an older
 * version may have left what it deleted readable in free pages.
 *
 * @throws StoreError STORE_DISK_FULL
 */
function keepCopy(db: DatabaseSync, path: string, schema: Schema): void {
  const version = versionOf(db);
  if (version === schema.migrations.length) return;
  expectRoom(path, MIGRATION_ROOM, `bringing ${path} up to date`);
  const copy = copyOf(path, version);
  const fresh = `${copy}.new`;
  removeDatabase(fresh);
  db.prepare("VACUUM INTO ?").run(fresh);
  syncPath(fresh, "r+");
  renameSync(fresh, copy);
  syncFolder(dirname(path));
  db.exec("VACUUM");
}

/** @param times the size of the database with its journal @throws StoreError STORE_DISK_FULL */
export function expectRoom(path: string, times: number, what: string): void {
  const { bavail, bsize } = statfsSync(dirname(path));
  const neededBytes = times * (sizeOf(path) + sizeOf(`${path}-wal`));
  if (bavail * bsize < neededBytes) {
    throw new StoreError("STORE_DISK_FULL", `${what} takes ${neededBytes} bytes of room`);
  }
}

function copyOf(path: string, version: number): string {
  return `${path}.v${version}`;
}

/**
 * Removes what was kept of the file before it was brought up to date, once it is a week old: until then the version
 * before can be taken back, after that it is only something that is not encrypted. Never throws: a start does not fail for it.
 */
export function removeOldCopies(path: string, schema: Schema, utcMs: number): void {
  for (let version = 1; version < schema.migrations.length; version++) {
    const copy = copyOf(path, version);
    try {
      const madeMs = statSync(copy, { throwIfNoEntry: false })?.mtimeMs ?? utcMs;
      if (utcMs - madeMs >= COPY_KEPT_MS) rmSync(copy, { force: true });
    } catch {
      // The next start tries again.
    }
  }
}

export function versionOf(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.user_version ?? 0);
}

/** Only whoever may write can bring it up to date. */
function refuseOlder(version: number, path: string, schema: Schema): void {
  const known = schema.migrations.length;
  if (version < known) throw new StoreError("STORE_OLDER", `${path} has schema ${version}, this version's is ${known}`);
}

export function refuseUnknown(version: number, path: string, schema: Schema): void {
  if (version === 0) throw new StoreError("STORE_DAMAGED", `${path} has no schema`);
  if (version > schema.migrations.length) {
    throw new StoreError(
      "STORE_NEWER",
      `${path} has schema ${version}, this version knows ${schema.migrations.length}`,
    );
  }
}
