/** One raster's attention, with the digest that commits to it. */
import { setImmediate } from "node:timers/promises";
import { merkleRoot } from "../work/merkle.ts";
import { SHA256_BYTES, taggedSha256 } from "../work/sha256.ts";
import { type BlockSize, digestBlocks, gridOf } from "./blocks.ts";
import { type AttentionMap, areaMean, firstBytes, multiScaleMap, type Scale, singleScaleMap } from "./map.ts";

/** Blocks hashed before other work gets its turn: about half a millisecond. */
const BLOCKS_A_TURN = 784;

export interface AttentionSettings {
  /** One scale gives its plain map, several give the weighted and normalised sum. */
  readonly scales: readonly Scale[];
  /** Grids of the model's pyramid, in cells along a side. */
  readonly grids: readonly number[];
}

export interface Attention {
  /** Hex; see `attentionDigest`. */
  readonly digest: string;
  readonly map: AttentionMap;
  /** One level a grid, in the settings' order. */
  readonly pyramid: readonly Float32Array[];
  /** Block digests by block size: grid² × 32 bytes. */
  readonly digests: ReadonlyMap<BlockSize, Buffer>;
}

/**
 * Digests, map and pyramid of a raster. Gives way to other work between turns, so that the event loop is never
 * held for a whole image.
 *
 * @param samples 224 × 224 grey bytes (raster-v1)
 */
export async function computeAttention(samples: Uint8Array, settings: AttentionSettings): Promise<Attention> {
  const digests = new Map<BlockSize, Buffer>();
  const roots = new Map<BlockSize, Buffer>();
  for (const { block } of settings.scales) {
    const all = await blockDigests(samples, block);
    digests.set(block, all);
    roots.set(block, merkleRoot(all));
    await setImmediate();
  }
  return { digest: attentionDigest(roots), ...attentionOf(digests, settings), digests };
}

/**
 * Map and pyramid of block digests that are there already, such as a device's.
 *
 * @param digests by block size, for every scale of the settings
 */
export function attentionOf(
  digests: ReadonlyMap<number, Uint8Array>,
  { scales, grids }: AttentionSettings,
): Pick<Attention, "map" | "pyramid"> {
  const map = combine(digests, scales);
  return { map, pyramid: grids.map((grid) => areaMean(map, grid)) };
}

/** SHA-256 of every block: grid² × 32 bytes, row-major. */
export async function blockDigests(samples: Uint8Array, block: BlockSize): Promise<Buffer> {
  const count = gridOf(block) ** 2;
  const digests = Buffer.alloc(count * SHA256_BYTES);
  for (let from = 0; from < count; from += BLOCKS_A_TURN) {
    if (from > 0) await setImmediate();
    digestBlocks(samples, block, from, Math.min(from + BLOCKS_A_TURN, count), digests);
  }
  return digests;
}

function combine(digests: ReadonlyMap<number, Uint8Array>, scales: readonly Scale[]): AttentionMap {
  const maps = scales.map(({ block, weight }) => ({
    map: singleScaleMap(firstBytes(digests.get(block) ?? new Uint8Array()), block),
    weight,
  }));
  const [only] = maps;
  return maps.length === 1 && only !== undefined ? only.map : multiScaleMap(maps);
}

/**
 * `SHA-256("lv06/attention/1" ‖ 0x00 ‖ per scale, ascending: u16be block size ‖ RFC 9162 root)` (DESIGN §6), hex.
 *
 * It commits to the digests, so a device that returns only roots can be compared with it.
 */
export function attentionDigest(roots: ReadonlyMap<BlockSize, Uint8Array>): string {
  const parts = [...roots]
    .sort(([a], [b]) => a - b)
    .flatMap(([block, root]) => [Uint8Array.of(block >> 8, block & 0xff), root]);
  return taggedSha256("lv06/attention/1", ...parts).toString("hex");
}
