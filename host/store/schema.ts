/** Tables of the durable database, and the rows as the rest of the appliance sees them. */
import type { SQLOutputValue } from "node:sqlite";
import type { Schema } from "./database.ts";
import { StoreError } from "./errors.ts";

/**
 * `AUTOINCREMENT` keeps the highest number ever given in `sqlite_sequence`, also when old rows are gone: a
 * sequence number or an outbox position is never used twice.
 */
export const RESULTS_SCHEMA: Schema = {
  synchronous: "FULL",
  migrations: [
    `
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
    `,
    `
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
    `,
  ],
};

/** A message as it will be published: nothing about it is decided later. */
export interface OutboxMessage {
  /** The CloudEvent's id, the same at every redelivery. */
  readonly messageId: string;
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly contentType: string;
  /** How long a broker may keep it for an absent subscriber, in s; null for ever. */
  readonly expiryS: number | null;
  readonly payload: Uint8Array;
}

export interface OutboxRow extends OutboxMessage {
  /** Place in the queue; grows, with gaps. */
  readonly position: number;
  /** When it was enqueued. */
  readonly utcMs: number;
}

/** What a seal will be over. */
export interface Binding {
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** 64 bytes, Ed25519 over the commitment. */
  readonly signature: Uint8Array;
  /** 32 bytes, of the key that signed. */
  readonly publicKey: Uint8Array;
}

export interface NewResult {
  readonly resultId: string;
  readonly utcMs: number;
  /** The caller's own name for the image. */
  readonly reference: string | null;
  /** Lowercase hex. */
  readonly fileDigest: string;
  /** Lowercase hex. */
  readonly rasterDigest: string;
  /** What is published as Result data. */
  readonly data: object;
  /** Null for a result that is never sealed. */
  readonly binding: Binding | null;
  /** Published in this order, after the transaction; empty for a result that stays here. */
  readonly messages: readonly OutboxMessage[];
}

export interface StoredResult extends Omit<NewResult, "messages" | "binding"> {
  /** 1, 2, 3 … per appliance, without gaps. */
  readonly sequence: number;
}

type Row = Record<string, SQLOutputValue>;

export function resultFromRow(row: Row): StoredResult {
  return {
    sequence: Number(row.sequence),
    resultId: String(row.resultId),
    utcMs: Number(row.utcMs),
    reference: row.reference === null ? null : String(row.reference),
    fileDigest: String(row.fileDigest),
    rasterDigest: String(row.rasterDigest),
    data: parseData(Number(row.sequence), String(row.data)),
  };
}

function parseData(sequence: number, json: string): object {
  try {
    return JSON.parse(json) as object;
  } catch (error) {
    throw new StoreError("STORE_DAMAGED", `the data of result ${sequence} is not JSON`, { cause: error });
  }
}

export function outboxFromRow(row: Row): OutboxRow {
  return {
    position: Number(row.position),
    messageId: String(row.messageId),
    topic: String(row.topic),
    qos: row.qos === 1 ? 1 : 0,
    retain: row.retain === 1,
    contentType: String(row.contentType),
    expiryS: row.expiryS === null ? null : Number(row.expiryS),
    utcMs: Number(row.utcMs),
    payload: row.payload instanceof Uint8Array ? row.payload : new Uint8Array(),
  };
}
