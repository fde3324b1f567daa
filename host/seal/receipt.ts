/** A receipt: one result, its place in a batch and the batch's seal; verifiable with no store, device or network. */
import { z } from "zod";
import { errorMessage } from "../base/error.ts";
import { canonicalBytes } from "./canonical.ts";
import { type BoundResult, boundResultSchema, commitmentOf } from "./commitment.ts";
import { SealError } from "./error.ts";
import { BATCH_MAX, digest, firstIssue, fromHex, intendedUse, PATH_MAX, signatureHex, toHex } from "./fields.ts";
import { type Seal, sealSchema } from "./seal.ts";
import { parseStrict } from "./strict-json.ts";
import { type Inclusion, isIncluded } from "./tree.ts";

export const RECEIPT_MAX_BYTES = 16_384;

export const receiptSchema = z.strictObject({
  format: z.literal("lv06/receipt/1"),
  result: boundResultSchema,
  commitment: digest,
  /** Ed25519 over the commitment's 32 bytes. */
  signature: signatureHex,
  inclusion: z.strictObject({
    index: z
      .int()
      .min(0)
      .max(BATCH_MAX - 1),
    path: z.array(digest).max(PATH_MAX),
  }),
  seal: sealSchema,
  intendedUse,
});

export type Receipt = z.infer<typeof receiptSchema>;

export interface ReceiptParts {
  readonly result: BoundResult;
  /** 64 bytes, Ed25519 over the result's commitment. */
  readonly signature: Uint8Array;
  readonly inclusion: Inclusion;
  readonly seal: Seal;
}

/** @throws SealError SEAL_BATCH where the seal is of another batch; SEAL_RECEIPT for a part of the wrong shape */
export function makeReceipt({ result, signature, inclusion, seal }: ReceiptParts): Receipt {
  const commitment = commitmentOf(result);
  if (!isIncluded(commitment, inclusion, fromHex(seal.root), seal.size)) {
    throw new SealError("SEAL_BATCH", `result ${result.resultId} is not in the batch of seal ${seal.sealedValue}`);
  }
  const receipt = receiptSchema.safeParse({
    format: "lv06/receipt/1",
    result,
    commitment: toHex(commitment),
    signature: toHex(signature),
    inclusion: { index: inclusion.index, path: inclusion.path.map(toHex) },
    seal,
    intendedUse: "research-only",
  });
  if (!receipt.success) throw new SealError("SEAL_RECEIPT", firstIssue(receipt.error));
  return receipt.data;
}

/** A receipt's only spelling, without the line feed that may end a file. */
export function encodeReceipt(receipt: Receipt): Buffer {
  return canonicalBytes(receipt);
}

/** @param text untrusted @throws SealError SEAL_RECEIPT unless it is exactly what `encodeReceipt` gives */
export function decodeReceipt(text: string | Uint8Array): Receipt {
  try {
    return parseStrict(text, RECEIPT_MAX_BYTES, receiptSchema);
  } catch (cause) {
    throw new SealError("SEAL_RECEIPT", errorMessage(cause), { cause });
  }
}
