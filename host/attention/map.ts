/**
 * attention-v1: from digests to maps to pyramids. Every choice that the whitepaper leaves open is made in this
 * file and in `blocks.ts`, and nowhere else; `docs/decisions` says why.
 *
 * - One value a block: byte 0 of its digest, divided by 255 (Appendix B at position 0). It covers the whole block.
 * - The digest is a single SHA-256 of the block's grey bytes, row-major: no position, salt or tag.
 * - A single-scale map is not normalised. A multi-scale map is the weighted sum of its scales, then min–max
 *   normalised over the image to [0, 1]; where all values are equal it is 0 everywhere.
 * - A pyramid level is the area mean of the map over the cells of the model's grid.
 *
 * The arithmetic is IEEE double in a fixed order, rounded to float32 once at the end: equal on every CPU.
 */
import { type BlockSize, gridOf } from "./blocks.ts";

export const ATTENTION_VERSION = "attention-v1";

/** Whitepaper 5.2. */
export const MULTI_SCALE: readonly Scale[] = [
  { block: 4, weight: 0.2 },
  { block: 8, weight: 0.5 },
  { block: 16, weight: 0.3 },
];

export interface Scale {
  readonly block: BlockSize;
  readonly weight: number;
}

/** A square map, row-major; values in [0, 1]. */
export interface AttentionMap {
  readonly grid: number;
  readonly values: Float64Array;
}

/**
 * Whitepaper, Appendix B: one byte of a digest as a value in [0, 1].
 *
 * @param hashHex SHA-256 as 64 hexadecimal digits
 * @param position which byte, 0 to 31
 * @throws RangeError for anything else
 */
export function hashToAttentionValue(hashHex: string, position: number): number {
  if (!/^[0-9a-f]{64}$/i.test(hashHex)) throw new RangeError("a SHA-256 digest has 64 hexadecimal digits");
  if (!Number.isInteger(position) || position < 0 || position > 31) {
    throw new RangeError(`the byte position is 0 to 31, not ${position}`);
  }
  return Number.parseInt(hashHex.slice(position * 2, position * 2 + 2), 16) / 255;
}

/** Byte 0 of each digest: u8, one a block. This is the map as `precompute` stores it. */
export function firstBytes(digests: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(digests.length / 32);
  for (let block = 0; block < bytes.length; block++) bytes[block] = digests[block * 32] ?? 0;
  return bytes;
}

/** @param bytes one digest byte a block, row-major over the grid of `block` */
export function singleScaleMap(bytes: Uint8Array, block: BlockSize): AttentionMap {
  const values = new Float64Array(bytes.length);
  for (let index = 0; index < values.length; index++) values[index] = (bytes[index] ?? 0) / 255;
  return { grid: gridOf(block), values };
}

/**
 * The weighted, normalised sum of several scales, on the grid of the finest one.
 *
 * @param maps single-scale maps; every grid divides the finest
 */
export function multiScaleMap(maps: readonly { readonly map: AttentionMap; readonly weight: number }[]): AttentionMap {
  const grid = Math.max(...maps.map(({ map }) => map.grid));
  const values = new Float64Array(grid * grid);
  for (const { map, weight } of maps) {
    const repeat = grid / map.grid;
    for (let row = 0; row < grid; row++) {
      const from = Math.floor(row / repeat) * map.grid;
      for (let column = 0; column < grid; column++) {
        const value = map.values[from + Math.floor(column / repeat)] ?? 0;
        values[row * grid + column] = (values[row * grid + column] ?? 0) + weight * value;
      }
    }
  }
  return { grid, values: normalise(values) };
}

function normalise(values: Float64Array): Float64Array {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high <= low) return values.fill(0);
  for (let index = 0; index < values.length; index++) values[index] = ((values[index] ?? 0) - low) / (high - low);
  return values;
}

/**
 * Area mean of a map on a coarser or equal grid (what a model's stage sees).
 *
 * @param grid cells along a side; divides the map's grid
 * @returns float32, grid², row-major
 * @throws RangeError when the grids do not fit
 */
export function areaMean(map: AttentionMap, grid: number): Float32Array {
  const side = map.grid / grid;
  if (!Number.isInteger(side)) throw new RangeError(`a ${map.grid}-cell map has no area mean on ${grid} cells`);
  const means = new Float32Array(grid * grid);
  for (let cell = 0; cell < means.length; cell++) {
    const top = Math.floor(cell / grid) * side;
    const left = (cell % grid) * side;
    let sum = 0;
    for (let row = top; row < top + side; row++) {
      for (let column = left; column < left + side; column++) sum += map.values[row * map.grid + column] ?? 0;
    }
    means[cell] = sum / (side * side);
  }
  return means;
}
