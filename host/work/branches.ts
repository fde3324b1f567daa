/** From the coinbase to the header's Merkle root, as Stratum's `merkle_branch` leads there. */
import { sha256d, sha256dInto } from "./header.ts";
import { SHA256_BYTES } from "./sha256.ts";

/** No block has more; ESP-Miner forks stop working above it. */
export const MAX_BRANCHES = 32;

/**
 * SHA256d(…SHA256d(SHA256d(leaf ‖ branch 0) ‖ branch 1)…): the coinbase is the first transaction, so it always stands
 * to the left.
 *
 * @param node 64 bytes: the leaf, which becomes the root, and 32 bytes of scratch
 * @param branches 32 bytes each, in the order in which they are hashed
 */
export function foldBranches(node: Uint8Array, branches: readonly Uint8Array[]): void {
  for (const branch of branches) {
    node.set(branch, SHA256_BYTES);
    sha256dInto(node, node, 0);
  }
}

/** The Merkle root of a block with this coinbase. @param branches 32 bytes each */
export function rootOfCoinbase(coinbase: Uint8Array, branches: readonly Uint8Array[]): Buffer {
  const node = Buffer.alloc(2 * SHA256_BYTES);
  node.set(sha256d(coinbase));
  foldBranches(node, branches);
  return node.subarray(0, SHA256_BYTES);
}
