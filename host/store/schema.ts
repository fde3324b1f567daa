/** The rows of the durable database as the rest of the appliance sees them. */

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

/** A message as it waits, without what it says. */
export interface WaitingMessage extends Omit<OutboxRow, "payload"> {
  readonly payloadBytes: number;
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
  /** What is published in the reference's place; null where it is published as it is. */
  readonly pseudonym: string | null;
  /** Lowercase hex. */
  readonly fileDigest: string;
  /** Lowercase hex. */
  readonly rasterDigest: string;
  /** `preliminary`, `corrected` or `entered-in-error`. */
  readonly status: string;
  /** Id of the result that this one replaces. */
  readonly replaces: string | null;
  /** What is published as Result data, with the caller's own reference. */
  readonly data: object;
  /** Null for a result that is never sealed. */
  readonly binding: Binding | null;
  /** Published in this order, after the transaction; empty for a result that stays here. */
  readonly messages: readonly OutboxMessage[];
}

export interface StoredResult extends Omit<NewResult, "messages" | "binding"> {
  /** 1, 2, 3 … per appliance, without gaps unless the store was restored. */
  readonly sequence: number;
}

/** What is known of a stored result whose body does not open. */
export type ResultHead = Pick<StoredResult, "sequence" | "resultId" | "utcMs">;
