/** Results as a test needs them. */
import { randomUUID } from "node:crypto";
import type { NewResult, OutboxMessage } from "../schema.ts";

export function makeMessage(text = "hello", topic = "lv06/v1/site/box/result"): OutboxMessage {
  return {
    messageId: randomUUID(),
    topic,
    qos: 1,
    retain: false,
    contentType: "application/cloudevents+json",
    expiryS: 60,
    payload: Buffer.from(text),
  };
}

export function makeResult(sequence: number, changes: Partial<NewResult> = {}): NewResult {
  return {
    resultId: randomUUID(),
    utcMs: 1_000_000 + sequence,
    reference: `reference-${sequence}`,
    pseudonym: null,
    fileDigest: "f".repeat(64),
    rasterDigest: "a".repeat(64),
    status: "preliminary",
    replaces: null,
    data: { sequence },
    binding: null,
    messages: [makeMessage(`result ${sequence}`)],
    ...changes,
  };
}
