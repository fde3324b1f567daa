/** Block digests: what a device's HASH answers, and what the attention map is read from. */
import { SHA256_BYTES, sha256Into } from "../work/sha256.ts";

/** Side of the square raster that attention is defined on, in pixels (raster-v1). */
export const RASTER_SIDE = 224;

/** Block sizes in pixels; each divides 224 (whitepaper 5.1). */
export const BLOCK_SIZES = [4, 8, 16, 32] as const;
export type BlockSize = (typeof BLOCK_SIZES)[number];

export function isBlockSize(value: number): value is BlockSize {
  return (BLOCK_SIZES as readonly number[]).includes(value);
}

/** Blocks along one side of the raster: 56, 28, 14, 7. */
export function gridOf(block: BlockSize): number {
  return RASTER_SIDE / block;
}

/** Copies block `index` (row-major over the grid) into `out`, block² bytes, row-major within the block. */
export function copyBlock(samples: Uint8Array, block: BlockSize, index: number, out: Uint8Array): void {
  const grid = gridOf(block);
  const left = (index % grid) * block;
  const top = Math.floor(index / grid) * block;
  for (let row = 0; row < block; row++) {
    const start = (top + row) * RASTER_SIDE + left;
    for (let column = 0; column < block; column++) out[row * block + column] = samples[start + column] ?? 0;
  }
}

/** Every block's bytes, row-major over the grid: what is sent to a device. */
export function blocksOf(samples: Uint8Array, block: BlockSize): Uint8Array[] {
  return Array.from({ length: gridOf(block) ** 2 }, (_, index) => {
    const bytes = new Uint8Array(block * block);
    copyBlock(samples, block, index, bytes);
    return bytes;
  });
}

/**
 * SHA-256 of blocks `from` to `to`, written to `out` at their place.
 *
 * @param samples 224 × 224 grey bytes
 * @param out grid² × 32 bytes
 */
export function digestBlocks(samples: Uint8Array, block: BlockSize, from: number, to: number, out: Buffer): void {
  const bytes = new Uint8Array(block * block);
  for (let index = from; index < to; index++) {
    copyBlock(samples, block, index, bytes);
    sha256Into(bytes, out, index * SHA256_BYTES);
  }
}
