/** D, the 32 bytes that the work is done over, which chain every batch to the one before (DESIGN §6). */
import { taggedSha256 } from "../work/sha256.ts";
import { SealError } from "./error.ts";
import { DIGEST_BYTES, expectDigest } from "./fields.ts";

/** Stands before the first seal. */
export const FIRST_PREVIOUS: Uint8Array = new Uint8Array(DIGEST_BYTES);

export interface Batch {
  /** RFC 9162 root over the batch's commitments, 32 bytes. */
  readonly root: Uint8Array;
  /** 1…1,024. */
  readonly size: number;
  /** D of the seal before, 32 bytes; `FIRST_PREVIOUS` for the first. */
  readonly previous: Uint8Array;
}

/** SHA-256("lv06/seal/1" ‖ 0x00 ‖ root ‖ u64be size ‖ previous). @throws SealError SEAL_LENGTH or SEAL_BATCH */
export function sealedValue({ root, size, previous }: Batch): Buffer {
  expectDigest("root", root);
  expectDigest("previous", previous);
  if (!Number.isSafeInteger(size) || size < 1) throw new SealError("SEAL_BATCH", `a batch of ${size} results`);
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(size));
  return taggedSha256("lv06/seal/1", root, count, previous);
}
