/** A batch that is closed: its tree, and the value that the work is done over. */
import { sealedValue } from "./sealed-value.ts";
import { BatchTree } from "./tree.ts";

export interface ClosedBatch {
  readonly tree: BatchTree;
  readonly root: Buffer;
  readonly size: number;
  /** 32 bytes. */
  readonly previous: Uint8Array;
  /** D, 32 bytes: what a device is given to work over. */
  readonly sealedValue: Buffer;
}

/**
 * @param commitments 1…1,024 of 32 bytes, in the order in which they are stored
 * @param previous D of the seal before, or `FIRST_PREVIOUS`
 * @throws SealError SEAL_BATCH or SEAL_LENGTH
 */
export function closeBatch(commitments: readonly Uint8Array[], previous: Uint8Array): ClosedBatch {
  const tree = new BatchTree(commitments);
  const batch = { root: tree.root, size: tree.size, previous };
  return { tree, ...batch, sealedValue: sealedValue(batch) };
}
