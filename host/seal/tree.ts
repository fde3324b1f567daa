/**
 * Inclusion proofs of RFC 9162 §2.1.3 over leaves of 32 bytes, beside the root of `host/work/merkle.ts`.
 *
 * RFC 9162 splits at the largest power of two below the size; pairing neighbours level by level and carrying an odd
 * last node up unchanged gives the same tree and the same paths.
 */
import { SHA256_BYTES, sha256Into } from "../work/sha256.ts";
import { SealError } from "./error.ts";
import { BATCH_MAX, expectDigest } from "./fields.ts";

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

function expectSize(size: number): void {
  if (size < 1 || size > BATCH_MAX) throw new SealError("SEAL_BATCH", `a batch of ${size} results`);
}

/** Scratch space for one parent: prefix, left, right. */
function nodeInput(): Buffer {
  const input = Buffer.alloc(1 + 2 * SHA256_BYTES);
  input[0] = NODE_PREFIX;
  return input;
}

function leafLevel(leaves: readonly Uint8Array[]): Buffer {
  const level = Buffer.alloc(leaves.length * SHA256_BYTES);
  const input = Buffer.alloc(1 + SHA256_BYTES, LEAF_PREFIX);
  leaves.forEach((leaf, i) => {
    expectDigest(`leaf ${i}`, leaf);
    input.set(leaf, 1);
    sha256Into(input, level, i * SHA256_BYTES);
  });
  return level;
}

function levelAbove(level: Buffer): Buffer {
  const count = level.length / SHA256_BYTES;
  const pairs = count >> 1;
  const above = Buffer.alloc((pairs + (count % 2)) * SHA256_BYTES);
  const input = nodeInput();
  for (let i = 0; i < pairs; i++) {
    level.copy(input, 1, 2 * i * SHA256_BYTES, 2 * (i + 1) * SHA256_BYTES);
    sha256Into(input, above, i * SHA256_BYTES);
  }
  if (count % 2 === 1) level.copy(above, pairs * SHA256_BYTES, 2 * pairs * SHA256_BYTES);
  return above;
}

/** A batch's tree: built once, then any number of paths are copies. */
export class BatchTree {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Buffer;
  /** From the leaves' hashes up to the root. */
  readonly #levels: readonly Buffer[];

  /** @param leaves 1…1,024 commitments of 32 bytes @throws SealError SEAL_BATCH or SEAL_LENGTH */
  constructor(leaves: readonly Uint8Array[]) {
    expectSize(leaves.length);
    this.size = leaves.length;
    let top = leafLevel(leaves);
    const levels = [top];
    while (top.length > SHA256_BYTES) {
      top = levelAbove(top);
      levels.push(top);
    }
    this.#levels = levels;
    this.root = Buffer.from(top);
  }

  /**
   * The inclusion path of a leaf, from its sibling up: at most 10 digests of 32 bytes.
   *
   * @param index 0…size - 1 @throws SealError SEAL_BATCH
   */
  path(index: number): Buffer[] {
    if (!Number.isInteger(index) || index < 0 || index >= this.size) {
      throw new SealError("SEAL_BATCH", `place ${index} in a batch of ${this.size}`);
    }
    const path: Buffer[] = [];
    for (const level of this.#levels.slice(0, -1)) {
      const at = (index ^ 1) * SHA256_BYTES;
      if (at < level.length) path.push(Buffer.from(level.subarray(at, at + SHA256_BYTES)));
      index >>= 1;
    }
    return path;
  }
}

export interface Inclusion {
  /** Place of the leaf, from 0. */
  readonly index: number;
  /** 32 bytes each. */
  readonly path: readonly Uint8Array[];
}

/** RFC 9162 §2.1.3.2, step by step. @returns null where the path is too long or too short for index and size */
function rootOfPath(leaf: Uint8Array, size: number, { index, path }: Inclusion): Buffer | null {
  if (index >= size) return null;
  const [input, node] = [nodeInput(), Buffer.alloc(SHA256_BYTES)];
  sha256Into(Buffer.concat([Buffer.of(LEAF_PREFIX), leaf]), node, 0);
  let [fn, sn] = [index, size - 1];
  for (const sibling of path) {
    if (sn === 0) return null;
    const fromRight = fn % 2 === 1 || fn === sn;
    input.set(fromRight ? sibling : node, 1);
    input.set(fromRight ? node : sibling, 1 + SHA256_BYTES);
    sha256Into(input, node, 0);
    // A last node without a sibling was carried up unchanged.
    while (fromRight && fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return sn === 0 ? node : null;
}

/** Whether the leaf stands at that place in the tree with this root. All digests 32 bytes, index and size whole. */
export function isIncluded(leaf: Uint8Array, inclusion: Inclusion, root: Uint8Array, size: number): boolean {
  return rootOfPath(leaf, size, inclusion)?.equals(root) ?? false;
}
