/** What a carved row is, by its form alone: which table it was in is not known where the tables' tree is damaged. */
import type { CarvedRow, Value } from "./carve.ts";
import type { Row } from "./rows.ts";

const TAG_BYTES = 16;
const KEY_ID_BYTES = 8;
const COUNTED = new Set(["results", "outbox", "batches"]);
/** Facts about the store that are true of what was saved of it too. */
const FACTS = new Set(["prunedThrough", "pruning", "ledgerBase", "keyIds", "untimed"]);

export interface FoundCommitment {
  readonly sequence: number;
  readonly commitment: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly batch: number | null;
  readonly leaf: number | null;
}

export interface FoundBatch {
  readonly batch: number;
  readonly root: Uint8Array;
  readonly size: number;
  readonly previous: Uint8Array;
  readonly sealedValue: Uint8Array;
  readonly closedUtcMs: number;
  readonly seal: string;
  readonly prunedUtcMs: number | null;
}

export type Found =
  | { readonly kind: "result"; readonly row: Row; readonly keyId: Uint8Array }
  | { readonly kind: "message"; readonly row: Row; readonly keyId: Uint8Array }
  | { readonly kind: "commitment"; readonly row: FoundCommitment }
  | { readonly kind: "batch"; readonly row: FoundBatch }
  | { readonly kind: "fact"; readonly name: string; readonly value: string | number }
  /** How many numbers of a table were given. */
  | { readonly kind: "given"; readonly table: string; readonly last: number }
  /** How far numbers were reserved. */
  | { readonly kind: "reserved"; readonly last: number };

/** Undefined for a row of nothing that is known, an unsealed batch among them: its results are sealed in another. */
export function recognised(row: CarvedRow): Found | undefined {
  if (row.rowid < 1) return undefined;
  switch (row.values.length) {
    case 2:
      return namedFact(row);
    case 6:
      return commitment(row);
    case 9:
      return batch(row);
    case 11:
      return result(row);
    case 14:
      return message(row);
    default:
      return undefined;
  }
}

function result({ rowid, values }: CarvedRow): Found | undefined {
  const [own, resultId, utcMs, status, replaces, bound, byReference, byPseudonym, fileTag, keyId, body] = values;
  const fits =
    own === null && isText(resultId) && isCount(utcMs) && isText(status) && isTextOrNull(replaces) && isCount(bound);
  const tags = isBytesOrNull(byReference) && isBytesOrNull(byPseudonym) && isBytes(fileTag, TAG_BYTES);
  if (!fits || !tags || !isBytes(keyId, KEY_ID_BYTES) || !isBytes(body)) return undefined;
  return { kind: "result", keyId, row: { sequence: rowid, resultId, utcMs, status, replaces, keyId, body } };
}

function message({ rowid, values }: CarvedRow): Found | undefined {
  const [own, messageId, topic, qos, retain, contentType, expiryS, utcMs, sizeBytes, sequence, keyId, payload] = values;
  const [parkedUtcMs, parkedCode] = values.slice(12);
  const head = own === null && isText(messageId) && isText(topic) && isCount(qos) && isCount(retain);
  const more = isText(contentType) && isCountOrNull(expiryS) && isCount(utcMs) && isCount(sizeBytes);
  const rest = isCountOrNull(sequence) && isCountOrNull(parkedUtcMs) && isTextOrNull(parkedCode);
  if (!head || !more || !rest || !isBytes(keyId, KEY_ID_BYTES) || !isBytes(payload)) return undefined;
  const about = { position: rowid, messageId, topic, qos, retain, contentType, expiryS, utcMs, sizeBytes, sequence };
  return { kind: "message", keyId, row: { ...about, keyId, payload, parkedUtcMs, parkedCode } };
}

function commitment({ rowid, values }: CarvedRow): Found | undefined {
  const [own, commitment, signature, publicKey, batch, leaf] = values;
  if (own !== null || !isBytes(commitment, 32) || !isBytes(signature, 64) || !isBytes(publicKey, 32)) return undefined;
  if (!isCountOrNull(batch) || !isCountOrNull(leaf)) return undefined;
  return { kind: "commitment", row: { sequence: rowid, commitment, signature, publicKey, batch, leaf } };
}

function batch({ rowid, values }: CarvedRow): Found | undefined {
  const [own, root, size, previous, sealedValue, closedUtcMs, seal, prunedUtcMs] = values;
  const hashes = isBytes(root, 32) && isBytes(previous, 32) && isBytes(sealedValue, 32);
  if (own !== null || !hashes || !isCount(size) || !isCount(closedUtcMs)) return undefined;
  if (!isText(seal) || !isCountOrNull(prunedUtcMs)) return undefined;
  return { kind: "batch", row: { batch: rowid, root, size, previous, sealedValue, closedUtcMs, seal, prunedUtcMs } };
}

function namedFact({ values: [name, value] }: CarvedRow): Found | undefined {
  if (!isText(name)) return undefined;
  if (COUNTED.has(name) && isCount(value)) return { kind: "given", table: name, last: value };
  if (name === "reserved" && isCount(value)) return { kind: "reserved", last: value };
  if (FACTS.has(name) && (isText(value) || isCount(value))) return { kind: "fact", name, value };
  return undefined;
}

function isText(value: Value | undefined): value is string {
  return typeof value === "string";
}

function isTextOrNull(value: Value | undefined): value is string | null {
  return value === null || isText(value);
}

function isCount(value: Value | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isCountOrNull(value: Value | undefined): value is number | null {
  return value === null || isCount(value);
}

function isBytes(value: Value | undefined, length?: number): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array && (length === undefined || value.length === length);
}

function isBytesOrNull(value: Value | undefined): value is Uint8Array<ArrayBuffer> | null {
  return value === null || isBytes(value, TAG_BYTES);
}
