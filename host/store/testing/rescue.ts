/** What a damaged store is saved with, and results that are bound by it: commitments, signatures and seals of the simplest kind. */
import { createHash } from "node:crypto";
import type { Rescue, SalvageReport } from "../rescue.ts";
import type { NewResult, OutboxMessage, StoredResult } from "../schema.ts";
import type { ClosedBatch } from "../seal-writer.ts";
import { makeMessage, makeResult } from "./make-result.ts";

const sha256 = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const signatureOf = (commitment: Uint8Array) => Buffer.concat([sha256("signed", commitment), Buffer.alloc(32)]);
const named = (messageId: string, text: string): OutboxMessage => ({ ...makeMessage(text), messageId });

/** Bound results say so. */
export function makeBoundResult(sequence: number, changes: Partial<NewResult> = {}): NewResult {
  const resultId = `id-${sequence}`;
  const data = { sequence, resultId, seal: "pending" };
  const commitment = sha256(JSON.stringify(data));
  const binding = { commitment, signature: signatureOf(commitment), publicKey: Buffer.alloc(32, 7) };
  const messages = [named(`result-${resultId}`, `result ${resultId}`)];
  return makeResult(sequence, { resultId, data, binding, messages, ...changes });
}

export function makeBatch(name: string, size: number): ClosedBatch & { readonly seal: string } {
  const [root, previous, sealedValue] = ["root", "previous", "value"].map((part) => sha256(part, name));
  const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
  const seal = JSON.stringify({ root: hex(root), previous: hex(previous), sealedValue: hex(sealedValue), size, name });
  const none = Buffer.alloc(32);
  return {
    ...{ root: root ?? none, previous: previous ?? none, sealedValue: sealedValue ?? none },
    ...{ size, closedUtcMs: 1_000_000, seal },
  };
}

export function sampleRescue(told: SalvageReport[] = []): Rescue {
  return {
    commitmentOf: (data) => ("seal" in data && data.seal === "pending" ? sha256(JSON.stringify(data)) : null),
    verifies: ({ commitment, signature }) => signatureOf(commitment).equals(signature),
    sealedBatch: (text) => {
      const { root, previous, sealedValue, size } = JSON.parse(text) as Record<string, string>;
      const bytes = (hex: string | undefined) => Buffer.from(hex ?? "", "hex");
      return { root: bytes(root), previous: bytes(previous), sealedValue: bytes(sealedValue), size: Number(size) };
    },
    resultMessage: ({ resultId }: StoredResult) => named(`result-${resultId}`, `result ${resultId}`),
    sealMessage: (text) => named(`seal-${(JSON.parse(text) as { name: string }).name}`, text),
    restoredMessage: (report) => {
      told.push(report);
      return named("restored", JSON.stringify(report));
    },
  };
}
