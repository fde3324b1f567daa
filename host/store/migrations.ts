/** The durable database's tables, version by version. */
import type { DatabaseSync } from "node:sqlite";
import type { Vault } from "../base/vault.ts";
import type { Schema } from "./database.ts";
import { StoreError } from "./errors.ts";
import { type Row, Rows } from "./rows.ts";

/**
 * `AUTOINCREMENT` keeps the highest number ever given in `sqlite_sequence`, also when old rows are gone: a
 * sequence number or an outbox position is never used twice.
 */
const VERSION_1 = `
  CREATE TABLE results (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    resultId TEXT NOT NULL UNIQUE,
    utcMs INTEGER NOT NULL,
    reference TEXT,
    fileDigest TEXT NOT NULL,
    rasterDigest TEXT NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX resultsByTime ON results (utcMs);
  CREATE INDEX resultsByReference ON results (reference) WHERE reference IS NOT NULL;
  CREATE TABLE outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    messageId TEXT NOT NULL,
    topic TEXT NOT NULL,
    qos INTEGER NOT NULL,
    retain INTEGER NOT NULL,
    contentType TEXT NOT NULL,
    expiryS INTEGER,
    utcMs INTEGER NOT NULL,
    sizeBytes INTEGER NOT NULL,
    payload BLOB NOT NULL
  ) STRICT;
`;

const VERSION_2 = `
  CREATE TABLE commitments (
    sequence INTEGER PRIMARY KEY REFERENCES results (sequence),
    commitment BLOB NOT NULL,
    signature BLOB NOT NULL,
    publicKey BLOB NOT NULL,
    batch INTEGER,
    leaf INTEGER
  ) STRICT;
  CREATE INDEX commitmentsWaiting ON commitments (sequence) WHERE batch IS NULL;
  CREATE UNIQUE INDEX commitmentsOfBatch ON commitments (batch, leaf) WHERE batch IS NOT NULL;
  CREATE TABLE batches (
    batch INTEGER PRIMARY KEY AUTOINCREMENT,
    root BLOB NOT NULL,
    size INTEGER NOT NULL,
    previous BLOB NOT NULL,
    sealedValue BLOB NOT NULL UNIQUE,
    closedUtcMs INTEGER NOT NULL,
    seal TEXT
  ) STRICT;
  CREATE UNIQUE INDEX batchWorked ON batches (seal IS NULL) WHERE seal IS NULL;
`;

/**
 * Version 3: bodies and payloads are encrypted (`keyId`: with which key) and found by tags; results say what they
 * replace; batches whose results were removed stay.
 *
 * `bound`: has a commitment. `outbox.sequence`: of the result that a message tells of; it is not removed before that
 * was delivered. `parkedUtcMs`, `parkedCode`: a message that the broker will never take, and why.
 */
const TABLES_3 = `
  CREATE TABLE results3 (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    resultId TEXT NOT NULL UNIQUE,
    utcMs INTEGER NOT NULL,
    status TEXT NOT NULL,
    replaces TEXT,
    bound INTEGER NOT NULL,
    referenceTag BLOB,
    pseudonymTag BLOB,
    fileTag BLOB NOT NULL,
    keyId BLOB NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE TABLE outbox3 (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    messageId TEXT NOT NULL,
    topic TEXT NOT NULL,
    qos INTEGER NOT NULL,
    retain INTEGER NOT NULL,
    contentType TEXT NOT NULL,
    expiryS INTEGER,
    utcMs INTEGER NOT NULL,
    sizeBytes INTEGER NOT NULL,
    sequence INTEGER,
    keyId BLOB NOT NULL,
    payload BLOB NOT NULL,
    parkedUtcMs INTEGER,
    parkedCode TEXT
  ) STRICT;
  CREATE UNIQUE INDEX outboxById ON outbox3 (messageId);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT;
  ALTER TABLE batches ADD COLUMN prunedUtcMs INTEGER;
  ALTER TABLE batches ADD COLUMN sealBytes INTEGER;
  UPDATE batches SET sealBytes = length(seal) WHERE seal IS NOT NULL;
`;

/**
 * `outboxByResult` counts and sums the outbox up, and finds what tells of a result, without reading a payload;
 * `batchesSealed` does so for the ledger without reading a seal, `commitmentsWaiting` without reading a commitment.
 */
const INDEXES_3 = `
  DROP TABLE results;
  ALTER TABLE results3 RENAME TO results;
  CREATE INDEX resultsByTime ON results (utcMs);
  CREATE INDEX resultsByReference ON results (referenceTag) WHERE referenceTag IS NOT NULL;
  CREATE INDEX resultsByPseudonym ON results (pseudonymTag) WHERE pseudonymTag IS NOT NULL;
  CREATE INDEX resultsByFile ON results (fileTag);
  CREATE INDEX resultsByKey ON results (keyId);
  CREATE INDEX resultsReplaced ON results (replaces) WHERE replaces IS NOT NULL;
  CREATE INDEX resultsUnbound ON results (utcMs) WHERE bound = 0;
  DROP TABLE outbox;
  ALTER TABLE outbox3 RENAME TO outbox;
  CREATE INDEX outboxByKey ON outbox (keyId);
  CREATE INDEX outboxByResult ON outbox (sequence, utcMs, sizeBytes);
  CREATE INDEX batchesKept ON batches (closedUtcMs) WHERE seal IS NOT NULL AND prunedUtcMs IS NULL;
  CREATE INDEX outboxParked ON outbox (position) WHERE parkedUtcMs IS NOT NULL;
  CREATE INDEX batchesSealed ON batches (sealBytes, size) WHERE sealBytes IS NOT NULL;
  DROP INDEX commitmentsWaiting;
  CREATE INDEX commitmentsWaiting ON commitments (batch, sequence) WHERE batch IS NULL;
`;

/** The migrations of version 3 and later encrypt, so they need the keys. */
export function resultsSchema(vault: Vault): Schema {
  return { synchronous: "FULL", migrations: [VERSION_1, VERSION_2, (db) => toVersion3(db, new Rows(vault))] };
}

function toVersion3(db: DatabaseSync, rows: Rows): void {
  const last = { results: lastGiven(db, "results"), outbox: lastGiven(db, "outbox") };
  db.exec(TABLES_3);
  copyResults(db, rows);
  copyOutbox(db, rows);
  db.exec(INDEXES_3);
  for (const [table, number] of Object.entries(last)) keepLastGiven(db, table, number);
}

function copyResults(db: DatabaseSync, rows: Rows): void {
  const insert = db.prepare("INSERT INTO results3 VALUES (?, ?, ?, ?, NULL, ?, ?, NULL, ?, ?, ?)");
  const select =
    "SELECT results.*, commitments.sequence IS NOT NULL AS bound FROM results LEFT JOIN commitments USING (sequence)";
  for (const row of db.prepare(`${select} ORDER BY sequence`).iterate()) {
    const result = resultOfVersion2(row);
    const { sequence, resultId, utcMs, status } = result;
    const { referenceTag, fileTag, keyId, body } = rows.sealResult(result);
    insert.run(sequence, resultId, utcMs, status, Number(row.bound), referenceTag, fileTag, keyId, body);
  }
}

function resultOfVersion2(row: Row) {
  const data = dataOfVersion2(row);
  return {
    sequence: Number(row.sequence),
    resultId: String(row.resultId),
    utcMs: Number(row.utcMs),
    reference: row.reference === null ? null : String(row.reference),
    pseudonym: null,
    fileDigest: String(row.fileDigest),
    rasterDigest: String(row.rasterDigest),
    status: "status" in data && typeof data.status === "string" ? data.status : "preliminary",
    replaces: null,
    data,
  };
}

function dataOfVersion2(row: Row): object {
  try {
    return JSON.parse(String(row.data)) as object;
  } catch (error) {
    throw new StoreError("STORE_DAMAGED", `the data of result ${String(row.sequence)} are not JSON`, { cause: error });
  }
}

/** A result's message was named after it: `result-ID`. */
function copyOutbox(db: DatabaseSync, rows: Rows): void {
  const insert = db.prepare(
    "INSERT INTO outbox3 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL) ON CONFLICT (messageId) DO NOTHING",
  );
  const sequenceOf = db.prepare("SELECT sequence FROM results3 WHERE resultId = ?");
  for (const row of db.prepare("SELECT * FROM outbox ORDER BY position").iterate()) {
    const messageId = String(row.messageId);
    const payload = row.payload instanceof Uint8Array ? row.payload : new Uint8Array();
    const sealed = rows.sealMessage({ messageId, payload });
    const sequence = sequenceOf.get(messageId.replace(/^result-/, ""))?.sequence ?? null;
    const { position, topic, qos, retain, contentType, expiryS, utcMs, sizeBytes } = row;
    insert.run(
      ...[position, messageId, topic, qos, retain, contentType, expiryS, utcMs, sizeBytes, sequence].map(present),
      ...[sealed.keyId, sealed.payload],
    );
  }
}

function present<T>(value: T | undefined): T | null {
  return value ?? null;
}

function lastGiven(db: DatabaseSync, table: string): number {
  return Number(db.prepare("SELECT seq FROM sqlite_sequence WHERE name = ?").get(table)?.seq ?? 0);
}

/** Rows that are gone have used their numbers up. */
export function keepLastGiven(db: DatabaseSync, table: string, number: number): void {
  if (lastGiven(db, table) >= number) return;
  if (db.prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = ?").run(number, table).changes > 0) return;
  db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)").run(table, number);
}
