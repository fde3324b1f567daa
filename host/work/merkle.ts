/** The Merkle tree of RFC 9162 §2.1 (Certificate Transparency 2.0), over SHA-256. */
import { hash } from "node:crypto";
import { SHA256_BYTES, sha256Into } from "./sha256.ts";

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/**
 * Root over leaves of 32 bytes each, given end to end.
 *
 * RFC 9162 splits at the largest power of two below the size; pairing neighbours level by level and carrying an
 * odd last node up unchanged gives the same tree without recursion.
 *
 * @param leaves n × 32 bytes, n ≥ 0; the root of no leaves is SHA-256 of nothing
 * @throws RangeError when the length is not a multiple of 32
 */
export function merkleRoot(leaves: Uint8Array): Buffer {
  if (leaves.length % SHA256_BYTES !== 0) throw new RangeError(`leaves are 32 bytes each, got ${leaves.length} bytes`);
  let count = leaves.length / SHA256_BYTES;
  if (count === 0) return hash("sha256", "", "buffer");
  const level = Buffer.alloc(leaves.length);
  const leaf = Buffer.alloc(1 + SHA256_BYTES);
  leaf[0] = LEAF_PREFIX;
  for (let i = 0; i < count; i++) {
    leaf.set(leaves.subarray(i * SHA256_BYTES, (i + 1) * SHA256_BYTES), 1);
    sha256Into(leaf, level, i * SHA256_BYTES);
  }
  const node = Buffer.alloc(1 + 2 * SHA256_BYTES);
  node[0] = NODE_PREFIX;
  while (count > 1) {
    const pairs = count >> 1;
    for (let i = 0; i < pairs; i++) {
      level.copy(node, 1, 2 * i * SHA256_BYTES, 2 * (i + 1) * SHA256_BYTES);
      sha256Into(node, level, i * SHA256_BYTES);
    }
    if (count % 2 === 1) level.copy(level, pairs * SHA256_BYTES, (count - 1) * SHA256_BYTES, count * SHA256_BYTES);
    count = pairs + (count % 2);
  }
  return Buffer.from(level.subarray(0, SHA256_BYTES));
}
