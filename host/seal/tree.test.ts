import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { merkleRoot } from "../work/merkle.ts";
import { BatchTree, isIncluded } from "./tree.ts";

const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
const leavesOf = (size: number) => Array.from({ length: size }, (_, i) => sha256(Buffer.of(i & 255, i >> 8)));

function split(size: number): number {
  let half = 1;
  while (half * 2 < size) half *= 2;
  return half;
}

/** PATH as RFC 9162 §2.1.3.1 writes it, by recursion. */
function pathByDefinition(index: number, leaves: readonly Uint8Array[]): Buffer[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k
    ? [...pathByDefinition(index, left), merkleRoot(Buffer.concat(right))]
    : [...pathByDefinition(index - k, right), merkleRoot(Buffer.concat(left))];
}

describe("a batch's tree", () => {
  test("has the root and the paths of RFC 9162 for every size up to 40, and for 1,000", () => {
    for (const size of [...Array.from({ length: 40 }, (_, i) => i + 1), 1000]) {
      const leaves = leavesOf(size);
      const tree = new BatchTree(leaves);
      expect(tree.root).toEqual(merkleRoot(Buffer.concat(leaves)));
      const some = size < 100 ? leaves.keys() : [0, 511, 512, 998, 999];
      for (const index of some) expect(tree.path(index)).toEqual(pathByDefinition(index, leaves));
    }
  });

  test("proves every leaf at its own place only", () => {
    for (const size of [1, 2, 3, 7, 8, 21]) {
      const leaves = leavesOf(size);
      const tree = new BatchTree(leaves);
      for (const [index, leaf] of leaves.entries()) {
        const path = tree.path(index);
        for (let place = 0; place <= size; place++) {
          expect(isIncluded(leaf, { index: place, path }, tree.root, size)).toBe(place === index);
        }
      }
    }
  });

  test("proves nothing with any bit changed, a step more or a step less, or another leaf", () => {
    const leaves = leavesOf(21);
    const tree = new BatchTree(leaves);
    fc.assert(
      fc.property(fc.nat(20), fc.nat(), fc.nat(255), (index, step, bit) => {
        const [leaf, path] = [leaves[index] ?? Buffer.alloc(0), tree.path(index)];
        const at = step % path.length;
        const bent = path.map((node) => Buffer.from(node));
        const node = bent[at] ?? Buffer.alloc(32);
        node[bit >> 3] = (node[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const holds = (given: Uint8Array, steps: readonly Uint8Array[]) =>
          isIncluded(given, { index, path: steps }, tree.root, 21);
        expect(holds(leaf, path)).toBe(true);
        expect(holds(leaf, bent)).toBe(false);
        expect(holds(leaf, path.slice(0, -1))).toBe(false);
        expect(holds(leaf, [...path, leaf])).toBe(false);
        expect(holds(sha256(leaf), path)).toBe(false);
      }),
    );
  });

  test("takes no path that is longer than the size allows, though it leads to the root", () => {
    const leaves = leavesOf(4);
    const tree = new BatchTree(leaves);
    const path = tree.path(3);
    expect(isIncluded(leaves[3] ?? Buffer.alloc(0), { index: 0, path }, tree.root, 1)).toBe(false);
  });

  test("does not take an inner node for a leaf", () => {
    const tree = new BatchTree(leavesOf(4));
    const [, right = Buffer.alloc(0)] = tree.path(0);
    const left = tree.path(2)[1] ?? Buffer.alloc(0);
    expect(sha256(Buffer.of(1), left, right)).toEqual(tree.root);
    expect(isIncluded(left, { index: 0, path: [right] }, tree.root, 2)).toBe(false);
  });

  test("is refused to nothing, more than 1,024 leaves, leaves of another length, and places outside", () => {
    expect(() => new BatchTree([])).toThrow(/SEAL_BATCH/);
    expect(() => new BatchTree(leavesOf(1025))).toThrow(/SEAL_BATCH/);
    expect(() => new BatchTree([Buffer.alloc(31)])).toThrow(/SEAL_LENGTH/);
    const tree = new BatchTree(leavesOf(1024));
    for (const index of [-1, 1024, 0.5]) expect(() => tree.path(index)).toThrow(/SEAL_BATCH/);
    expect(tree.path(1023)).toHaveLength(10);
  });
});
