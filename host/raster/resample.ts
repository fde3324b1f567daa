/**
 * The resampler of raster-v1: a two-pass triangle filter in 22-bit fixed point.
 *
 * It is the antialiased bilinear filter of Pillow (`libImaging/Resample.c`, 8 bits per channel), with which the
 * training data were made, bit for bit: weights in doubles, normalised, rounded to 22 fractional bits; the
 * horizontal pass first, rounded to 8 bits, then the vertical; a pass that changes nothing is skipped.
 * Only + − × ÷ and comparisons of doubles are used, which IEEE 754 makes the same on every CPU.
 */
import type { Grey } from "./orient.ts";

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** For each target pixel: the source pixels it reads, and their weights. */
export interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` weights a target pixel, 22 fractional bits. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/**
 * Stretches a grey image to a square.
 *
 * @param image at least 4 px a side
 * @param targetPx the square's side, at least 4
 * @returns targetPx² samples, row by row; the image's own samples when it has that size already
 */
export function resample(image: Grey, targetPx: number): Uint8Array {
  const { samples, width, height } = image;
  const wide = width === targetPx ? samples : horizontal(samples, width, height, triangleTaps(width, targetPx));
  return height === targetPx ? wide : vertical(wide, targetPx, triangleTaps(height, targetPx));
}

function horizontal(source: Uint8Array, width: number, height: number, taps: Taps): Uint8Array {
  const out = new Uint8Array(taps.first.length * height);
  filter(source, { lanes: height, lane: width, step: 1 }, out, { lane: taps.first.length, step: 1 }, taps);
  return out;
}

function vertical(source: Uint8Array, width: number, taps: Taps): Uint8Array {
  const out = new Uint8Array(width * taps.first.length);
  filter(source, { lanes: width, lane: 1, step: width }, out, { lane: 1, step: width }, taps);
  return out;
}

/** Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` for the triangle filter over the whole source. */
export function triangleTaps(sourcePx: number, targetPx: number): Taps {
  const scale = sourcePx / targetPx;
  const filterScale = Math.max(scale, 1);
  const stride = Math.ceil(filterScale) * 2 + 1;
  const taps = {
    first: new Int32Array(targetPx),
    count: new Int32Array(targetPx),
    weights: new Int32Array(targetPx * stride),
    stride,
  };
  const inverse = 1 / filterScale;
  for (let to = 0; to < targetPx; to++) {
    const centre = (to + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - filterScale + 0.5), 0);
    const end = Math.min(Math.trunc(centre + filterScale + 0.5), sourcePx);
    const raw = Array.from({ length: end - first }, (_, i) => triangle((i + first - centre + 0.5) * inverse));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    taps.first[to] = first;
    taps.count[to] = raw.length;
    taps.weights.set(
      raw.map((weight) => Math.trunc(0.5 + (weight / sum) * (1 << PRECISION_BITS))),
      to * stride,
    );
  }
  return taps;
}

function triangle(x: number): number {
  return Math.max(1 - Math.abs(x), 0);
}

/** Distances in samples: `lane` between neighbouring lanes (rows or columns), `step` along a lane. */
interface Strides {
  readonly lane: number;
  readonly step: number;
}

/**
 * Filters every lane, four at a time so that a weight is fetched once for four products; the last four may
 * overlap the ones before.
 *
 * No clipping is needed: weights are not negative and their sum is off 2^22 by less than half a unit a tap, so
 * that 255 × sum + half stays below 256 × 2^22 and within 31 bits.
 */
function filter(source: Uint8Array, from: Strides & { lanes: number }, out: Uint8Array, to: Strides, taps: Taps): void {
  for (let lane = 0; lane < from.lanes; lane += 4) {
    const safe = Math.min(lane, from.lanes - 4);
    filterFour(source, safe * from.lane, from, out, safe * to.lane, to, taps);
  }
}

function filterFour(
  source: Uint8Array,
  sourceAt: number,
  { lane, step }: Strides,
  out: Uint8Array,
  outAt: number,
  to: Strides,
  { first, count, weights, stride }: Taps,
): void {
  for (let target = 0; target < first.length; target++) {
    let from = sourceAt + (first[target] ?? 0) * step;
    const start = target * stride;
    const end = start + (count[target] ?? 0);
    let a = HALF;
    let b = HALF;
    let c = HALF;
    let d = HALF;
    for (let i = start; i < end; i++, from += step) {
      const weight = weights[i] ?? 0;
      a += Math.imul(source[from] ?? 0, weight);
      b += Math.imul(source[from + lane] ?? 0, weight);
      c += Math.imul(source[from + 2 * lane] ?? 0, weight);
      d += Math.imul(source[from + 3 * lane] ?? 0, weight);
    }
    const at = outAt + target * to.step;
    out[at] = a >>> PRECISION_BITS;
    out[at + to.lane] = b >>> PRECISION_BITS;
    out[at + 2 * to.lane] = c >>> PRECISION_BITS;
    out[at + 3 * to.lane] = d >>> PRECISION_BITS;
  }
}
