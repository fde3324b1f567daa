import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { merkleRoot } from "./merkle.ts";

const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();

/** MTH as RFC 9162 §2.1.1 writes it, by recursion. */
function reference(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return sha256(Buffer.of(0), only);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.of(1), reference(leaves.slice(0, split)), reference(leaves.slice(split)));
}

test("equals the recursive definition of RFC 9162 for every size", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 70 }), (leaves) => {
      expect(merkleRoot(Buffer.concat(leaves))).toEqual(reference(leaves));
    }),
  );
});

test("refuses leaves that are not 32 bytes", () => {
  expect(() => merkleRoot(new Uint8Array(33))).toThrow(RangeError);
});
