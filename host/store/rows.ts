/** Rows of the durable database ↔ what the rest of the appliance sees: encrypted on the way in, opened on the way out. */
import type { SQLOutputValue } from "node:sqlite";
import { CodedError } from "../base/error.ts";
import type { Vault } from "../base/vault.ts";
import { StoreError } from "./errors.ts";
import type { OutboxMessage, OutboxRow, ResultHead, StoredResult, WaitingMessage } from "./schema.ts";

export type Row = Record<string, SQLOutputValue>;

/** What of a result is encrypted as one. */
type Body = Pick<StoredResult, "reference" | "pseudonym" | "fileDigest" | "rasterDigest" | "data">;

/** What a result can be found by, for whoever has the key. */
export interface ResultTags {
  readonly referenceTag: Uint8Array | null;
  readonly pseudonymTag: Uint8Array | null;
  readonly fileTag: Uint8Array;
}

export interface SealedResult extends ResultTags {
  readonly keyId: Uint8Array;
  readonly body: Uint8Array;
}

const RESULT = "result";
const MESSAGE = "message";
const REFERENCE = "reference";
const FILE = "file";

/** Every key that a table's rows name, by one look into its index for each. */
export function keysOf(table: "results" | "outbox"): string {
  return `
    WITH RECURSIVE key (id) AS (
      SELECT min(keyId) FROM ${table}
      UNION ALL SELECT (SELECT min(keyId) FROM ${table} WHERE keyId > key.id) FROM key WHERE key.id IS NOT NULL
    ) SELECT id FROM key WHERE id IS NOT NULL`;
}

export class Rows {
  readonly #vault: Vault;
  readonly #isDamaged: (keyId: Uint8Array) => boolean;

  /** @param isDamaged whether the name of a key that is not at hand is no key's; without it every name is believed */
  constructor(vault: Vault, isDamaged: (keyId: Uint8Array) => boolean = () => false) {
    this.#vault = vault;
    this.#isDamaged = isDamaged;
  }

  get currentKeyId(): Uint8Array {
    return this.#vault.currentKeyId;
  }

  sealResult(result: StoredResult): SealedResult {
    const { resultId, reference, pseudonym, fileDigest, rasterDigest, data } = result;
    const body: Body = { reference, pseudonym, fileDigest, rasterDigest, data };
    const { keyId, bytes } = this.#vault.seal(RESULT, Buffer.from(JSON.stringify(body)), resultId);
    return { keyId, body: bytes, ...this.#tagsOf(body) };
  }

  /** @throws StoreError STORE_DAMAGED; VaultError VAULT_KEY_UNKNOWN */
  result(row: Row): StoredResult {
    const resultId = String(row.resultId);
    const body = parsed(resultId, this.#open(RESULT, row, row.body, resultId));
    return {
      sequence: Number(row.sequence),
      resultId,
      utcMs: Number(row.utcMs),
      status: String(row.status),
      replaces: row.replaces === null ? null : String(row.replaces),
      ...body,
    };
  }

  sealMessage({ messageId, payload }: Pick<OutboxMessage, "messageId" | "payload">): {
    readonly keyId: Uint8Array;
    readonly payload: Uint8Array;
  } {
    const { keyId, bytes } = this.#vault.seal(MESSAGE, payload, messageId);
    return { keyId, payload: bytes };
  }

  /** @throws StoreError STORE_DAMAGED; VaultError VAULT_KEY_UNKNOWN */
  message(row: Row): OutboxRow {
    const { payloadBytes, ...head } = messageHead(row);
    return { ...head, payload: this.#open(MESSAGE, row, row.payload, head.messageId) };
  }

  /** Under every key that is known: a result may have been stored before the keys changed. */
  referenceTags(reference: string): readonly Uint8Array[] {
    return this.#vault.tags(REFERENCE, reference);
  }

  fileTags(fileDigest: string): readonly Uint8Array[] {
    return this.#vault.tags(FILE, fileDigest);
  }

  /** @throws VaultError VAULT_KEY_UNKNOWN */
  expectKey(keyId: Uint8Array): void {
    // A key that is not known is said by name; whatever else is wrong with these bytes is no matter.
    if (!this.#vault.knows(keyId)) this.#vault.open("the store", keyId, keyId, "");
  }

  #tagsOf({ reference, pseudonym, fileDigest }: Body): ResultTags {
    return {
      referenceTag: reference === null ? null : this.#vault.tag(REFERENCE, reference),
      pseudonymTag: pseudonym === null ? null : this.#vault.tag(REFERENCE, pseudonym),
      fileTag: this.#vault.tag(FILE, fileDigest),
    };
  }

  /** What does not open is damage, unless the key is unknown: then nothing is known of the bytes. */
  #open(purpose: string, { keyId }: Row, bytes: SQLOutputValue | undefined, aad: string): Buffer {
    if (!(bytes instanceof Uint8Array) || !(keyId instanceof Uint8Array)) {
      throw new StoreError("STORE_DAMAGED", `the ${purpose} ${aad} is not there`);
    }
    if (!this.#vault.knows(keyId) && this.#isDamaged(keyId)) {
      throw new StoreError("STORE_DAMAGED", `the ${purpose} ${aad} names a key that never was`);
    }
    try {
      return this.#vault.open(purpose, keyId, bytes, aad);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "VAULT_DAMAGED") throw error;
      throw new StoreError("STORE_DAMAGED", `the ${purpose} ${aad}: ${error.detail}`, { cause: error });
    }
  }
}

/** Without the payload, which may not open. */
export function messageHead(row: Row): WaitingMessage {
  return {
    position: Number(row.position),
    messageId: String(row.messageId),
    topic: String(row.topic),
    qos: row.qos === 1 ? 1 : 0,
    retain: row.retain === 1,
    contentType: String(row.contentType),
    expiryS: row.expiryS === null ? null : Number(row.expiryS),
    utcMs: Number(row.utcMs),
    payloadBytes: Number(row.sizeBytes),
  };
}

/** Without the body, which may not open. */
export function resultHead(row: Row): ResultHead {
  return { sequence: Number(row.sequence), resultId: String(row.resultId), utcMs: Number(row.utcMs) };
}

/** What was sealed here is what was made here; a body that is no JSON can only be a defect. */
function parsed(resultId: string, body: Buffer): Body {
  try {
    return JSON.parse(body.toString()) as Body;
  } catch (error) {
    throw new StoreError("STORE_DAMAGED", `the data of result ${resultId} are not JSON`, { cause: error });
  }
}
