/** One image's digests, by the device and by the host. */
import { type AttentionSettings, blockDigests } from "../attention/attention.ts";
import { type BlockSize, blocksOf, RASTER_SIDE } from "../attention/blocks.ts";
import { errorCode } from "../base/error.ts";
import type { Device } from "../device/device.ts";
import { type OwnScale, verifyDigests, verifyImage } from "../device/digest.ts";
import { merkleRoot } from "../work/merkle.ts";
import { SHA256_BYTES } from "../work/sha256.ts";

/** Counts that grow as the comparison goes on: what has been shown stays shown when it fails later. */
export interface Comparison {
  /** Digests compared, be it by their root. */
  checked: number;
  mismatches: number;
}

/** One question, an upload included: 50 kB take 5 s on the slowest line, 3,136 single blocks 60 s. */
const OPTIONS = { deadlineMs: 300_000 };

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
  const own = new Map<BlockSize, OwnBlocks>();
  for (const { block } of scales) {
    const digests = await blockDigests(samples, block);
    own.set(block, { digests, root: merkleRoot(digests) });
  }
  const takesImage = device.info.capabilities.has("image") && (await compareImage(device, samples, own, counts));
  if (!takesImage) await compareBlocks(device, samples, own, counts);
}

type OwnBlocks = OwnScale & { readonly digests: Buffer };
type Own = ReadonlyMap<BlockSize, OwnBlocks>;

/** @returns false if the image is too large for the device: memory for it is not what the capability promises */
async function compareImage(device: Device, samples: Uint8Array, own: Own, counts: Comparison): Promise<boolean> {
  const image = { width: RASTER_SIDE, height: RASTER_SIDE, samples };
  const roots = await unlessTooLarge(verifyImage(device, image, { scales: [...own.keys()] }, own, OPTIONS));
  if (roots === undefined) return false;
  for (const { digests } of own.values()) counts.checked += digests.length / SHA256_BYTES;
  const scales = roots.mismatches;
  if (scales.length === 0) return true;
  // A wrong root is a wrong answer, even if every digest should turn out right.
  counts.mismatches += scales.length;
  const { wrongDigests } = await verifyImage(device, image, { scales, digestsOf: scales }, own, OPTIONS);
  for (const scale of scales) counts.mismatches += Math.max(1, wrongDigests.get(scale) ?? 0) - 1;
  return true;
}

async function unlessTooLarge<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (errorCode(error) !== "DEVICE_LIMIT") throw error;
    return undefined;
  }
}

async function compareBlocks(device: Device, samples: Uint8Array, own: Own, counts: Comparison): Promise<void> {
  for (const [block, { digests }] of own) {
    const blocks = blocksOf(samples, block);
    const expected = blocks.map((_, index) => digests.subarray(index * SHA256_BYTES, (index + 1) * SHA256_BYTES));
    const { checked, mismatches } = await verifyDigests(device, blocks, expected, OPTIONS);
    counts.checked += checked;
    counts.mismatches += mismatches.length;
  }
}
