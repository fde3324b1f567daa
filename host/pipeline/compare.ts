/** One image's digests, by the device and by the host. */
import { type AttentionSettings, blockDigests } from "../attention/attention.ts";
import { type BlockSize, blocksOf, RASTER_SIDE } from "../attention/blocks.ts";
import { errorCode } from "../base/error.ts";
import type { Device } from "../device/device.ts";
import { verifyDigests } from "../device/digest.ts";
import { merkleRoot } from "../work/merkle.ts";
import { SHA256_BYTES } from "../work/sha256.ts";

/** Counts that grow as the comparison goes on: what has been shown stays shown when it fails later. */
export interface Comparison {
  /** Digests compared, be it by their root. */
  checked: number;
  mismatches: number;
}

/** One question, an upload included: 50 kB take 5 s on the slowest line, 3,136 single blocks 60 s. */
const DEADLINE_MS = 300_000;

/**
 * Has the device compute the digests of every scale and compares them with the host's own, into `counts`.
 *
 * A device that takes whole images is sent the raster once and returns a root for each scale. Single digests are asked
 * for only where a root differs.
 *
 * @param samples 224 × 224 grey bytes
 * @throws DeviceError
 */
export async function compareDigests(
  device: Device,
  samples: Uint8Array,
  { scales }: AttentionSettings,
  counts: Comparison,
): Promise<void> {
  const own = new Map<BlockSize, Buffer>();
  for (const { block } of scales) own.set(block, await blockDigests(samples, block));
  if (!device.info.capabilities.has("image")) return compareBlocks(device, samples, own, counts);
  try {
    await compareImage(device, samples, own, counts);
  } catch (error) {
    // Memory for this image is not what the capability promises.
    if (errorCode(error) !== "DEVICE_LIMIT") throw error;
    await compareBlocks(device, samples, own, counts);
  }
}

async function compareImage(
  device: Device,
  samples: Uint8Array,
  own: ReadonlyMap<BlockSize, Buffer>,
  counts: Comparison,
): Promise<void> {
  const image = { width: RASTER_SIDE, height: RASTER_SIDE, samples };
  const { roots } = await device.image(image, { scales: [...own.keys()] }, { deadlineMs: DEADLINE_MS });
  const wrong = [...own].filter(([block, digests]) => !equal(merkleRoot(digests), roots.get(block)));
  for (const digests of own.values()) counts.checked += digests.length / SHA256_BYTES;
  if (wrong.length === 0) return;
  // A wrong root is a wrong answer, even if every digest should turn out right.
  counts.mismatches += wrong.length;
  const scales = wrong.map(([block]) => block);
  const { digests } = await device.image(image, { scales, digestsOf: scales }, { deadlineMs: DEADLINE_MS });
  const located = wrong.map(([block, all]) => Math.max(1, countDifferent(all, digests.get(block))));
  counts.mismatches += located.reduce((sum, count) => sum + count, 0) - wrong.length;
}

async function compareBlocks(
  device: Device,
  samples: Uint8Array,
  own: ReadonlyMap<BlockSize, Buffer>,
  counts: Comparison,
): Promise<void> {
  for (const [block, digests] of own) {
    const blocks = blocksOf(samples, block);
    const expected = blocks.map((_, index) => digests.subarray(index * SHA256_BYTES, (index + 1) * SHA256_BYTES));
    const { checked, mismatches } = await verifyDigests(device, blocks, expected, { deadlineMs: DEADLINE_MS });
    counts.checked += checked;
    counts.mismatches += mismatches.length;
  }
}

function countDifferent(own: Buffer, theirs: Uint8Array | undefined): number {
  const indices = Array.from({ length: own.length / SHA256_BYTES }, (_, index) => index * SHA256_BYTES);
  return indices.filter((at) => !equal(own.subarray(at, at + SHA256_BYTES), theirs?.subarray(at, at + SHA256_BYTES)))
    .length;
}

function equal(own: Uint8Array, theirs: Uint8Array | undefined): boolean {
  return theirs !== undefined && Buffer.compare(own, theirs) === 0;
}
