/** Roots and digests of an image from SPEC §5.4, §5.8 and RFC 9162 §2.1 alone: no code of the host's has a part in it. */
import { createHash } from "node:crypto";
import type { DeviceImage } from "../../host/device/device.ts";

export interface OwnRoot {
  readonly root: Buffer;
  /** Of the blocks, end to end. */
  readonly digests: Buffer;
}

export function ownRoot({ width, height, samples }: DeviceImage, scale: number): OwnRoot {
  const digests: Buffer[] = [];
  for (let top = 0; top < height; top += scale) {
    for (let left = 0; left < width; left += scale) {
      const block = createHash("sha256");
      for (let y = top; y < top + scale; y++)
        block.update(samples.subarray(y * width + left, y * width + left + scale));
      digests.push(block.digest());
    }
  }
  return { root: treeHash(digests), digests: Buffer.concat(digests) };
}

/** Split at the largest power of two below the number of leaves, as the RFC says it. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return digestOf(Buffer.of(0), only);
  let half = 1;
  while (2 * half < leaves.length) half *= 2;
  return digestOf(Buffer.of(1), treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half)));
}

function digestOf(...parts: readonly Buffer[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}
