/** A copy of the durable database, made while another process writes it, and what can be told of one without its keys. */
import { backup, DatabaseSync, type SQLOutputValue } from "node:sqlite";
import {
  checkIntegrity,
  openReadOnly,
  refuseUnknown,
  type Schema,
  storeError,
  translated,
  versionOf,
} from "./database.ts";
import { StoreError } from "./errors.ts";
import { KnownKeys } from "./known-keys.ts";
import { RESERVED } from "./numbers.ts";

/** Of one step: between them the process does other things. */
const PAGES = 256;
/** The first schema with a table of facts, and with keys. */
const SCHEMA_MIN = 3;

export interface CopyOptions {
  /** 0 to 1. */
  readonly progress: (done: number) => void;
  readonly signal: AbortSignal;
}

export interface CopyFacts {
  readonly schema: number;
  readonly results: number;
  readonly lastSequence: number;
  /** No higher sequence number was given while this was the latest. */
  readonly reserved: number;
  /** Of every key that rows are encrypted with: lowercase hex. */
  readonly keyIds: readonly string[];
}

/**
 * Copies the database as it is at one moment. The journal grows meanwhile; writers wait for nothing.
 *
 * @param target must not exist
 * @throws StoreError STORE_MISSING, STORE_OLDER, STORE_NEWER, STORE_DAMAGED, STORE_DISK_FULL …; what the signal says
 */
export async function copyDatabase(
  path: string,
  schema: Schema,
  target: string,
  { progress, signal }: CopyOptions,
): Promise<void> {
  const db = openReadOnly(path, schema);
  try {
    // Without a moment of its own the copy would begin anew at every write.
    translated(path, () => db.exec("BEGIN; SELECT count(*) FROM meta"));
    await backup(db, target, {
      rate: PAGES,
      progress: ({ totalPages, remainingPages }) => {
        signal.throwIfAborted();
        progress(totalPages === 0 ? 1 : 1 - remainingPages / totalPages);
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw storeError(path, error);
  } finally {
    db.close();
  }
}

/**
 * Reads every page of a database that nobody has open, and what it says of itself.
 *
 * @throws StoreError STORE_DAMAGED; STORE_NEWER where this version does not know its schema
 */
export function factsOfCopy(path: string, schema: Schema): CopyFacts {
  return translated(path, () => {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      checkIntegrity(db, path);
      return factsOf(db, path, schema);
    } finally {
      db.close();
    }
  });
}

function factsOf(db: DatabaseSync, path: string, schema: Schema): CopyFacts {
  const version = versionOf(db);
  refuseUnknown(version, path, schema);
  if (version < SCHEMA_MIN) throw new StoreError("STORE_OLDER", `${path} has schema ${version}`);
  const value = (sql: string, ...of: string[]): SQLOutputValue | undefined => {
    const row = db.prepare(sql).get(...of);
    return row === undefined ? undefined : Object.values(row)[0];
  };
  const keyIds = new KnownKeys(db).inUse().map((id) => Buffer.from(id).toString("hex"));
  return {
    schema: version,
    results: Number(value("SELECT count(*) FROM results")),
    lastSequence: Number(value("SELECT max(seq) FROM sqlite_sequence WHERE name = 'results'") ?? 0),
    reserved: Number(value("SELECT value FROM meta WHERE name = ?", RESERVED) ?? 0),
    keyIds: keyIds.sort(),
  };
}
