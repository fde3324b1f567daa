/**
 * What the quality gate looks at, in whole numbers below 2^53: the same on every machine, and the same as
 * models/train/gate_features.py. Pure.
 */

const SIDE_PX = 224;
const CELLS = 8;
const CELL_PX = 28;
const LEVELS = 4;

/** @returns 78 numbers: the layout in 8 × 8 cells, edges at four scales in three directions, shares of black and white */
export function qualityFeatures(samples: Uint8Array): readonly number[] {
  const { cells, deviation } = layout(samples);
  return [...cells, ...detail(samples, deviation), ...greys(samples)];
}

/** Means of the cells whatever the film's brightness and contrast, in 1/64 deviations. */
function layout(samples: Uint8Array): { readonly cells: readonly number[]; readonly deviation: number } {
  const sums = cellSums(samples);
  const means = sums.map((sum) => Math.floor((sum * 8) / (CELL_PX * CELL_PX)));
  const total = means.reduce((sum, mean) => sum + mean, 0);
  const centred = means.map((mean) => mean * means.length - total);
  const variance = Math.floor(centred.reduce((sum, value) => sum + value * value, 0) / means.length);
  const deviation = Math.max(1, Math.floor(Math.sqrt(variance)));
  return { cells: centred.map((value) => Math.floor((value * 64) / deviation)), deviation };
}

function cellSums(samples: Uint8Array): readonly number[] {
  const sums = new Int32Array(CELLS * CELLS);
  for (let start = 0; start < samples.length; start += CELL_PX) {
    // Every 28 pixels of a line belong to one cell.
    let sum = 0;
    for (let at = start; at < start + CELL_PX; at += 1) sum += samples[at] ?? 0;
    const cell = Math.floor(start / SIDE_PX / CELL_PX) * CELLS + (start % SIDE_PX) / CELL_PX;
    sums[cell] = (sums[cell] ?? 0) + sum;
  }
  return Array.from(sums);
}

/** Upright, level and diagonal edges at 1, 2, 4 and 8 pixels against the contrast, in 1/256 doublings. */
function detail(samples: Uint8Array, deviation: number): readonly number[] {
  const against = log2(deviation);
  const found: number[] = [];
  let level: Uint8Array | Int32Array = samples;
  for (let side = SIDE_PX; side > SIDE_PX >> LEVELS; side /= 2) {
    const { edges, halved } = halve(level, side);
    found.push(...edges.map((sum) => log2(sum) - against));
    level = halved;
  }
  return found;
}

function halve(
  level: Uint8Array | Int32Array,
  side: number,
): { readonly edges: number[]; readonly halved: Int32Array } {
  const halved = new Int32Array((side * side) / 4);
  let upright = 0;
  let lying = 0;
  let diagonal = 0;
  let to = 0;
  for (let row = 0; row < side * side; row += 2 * side) {
    for (let from = row; from < row + side; from += 2) {
      const a = level[from] ?? 0;
      const b = level[from + 1] ?? 0;
      const c = level[from + side] ?? 0;
      const d = level[from + side + 1] ?? 0;
      upright += Math.abs(a - b + c - d);
      lying += Math.abs(a + b - c - d);
      diagonal += Math.abs(a - b - c + d);
      halved[to] = a + b + c + d;
      to += 1;
    }
  }
  return { edges: [upright, lying, diagonal], halved };
}

/** 256 · log2(value + 1), straight between powers of two: `Math.log2` may differ between machines. */
function log2(value: number): number {
  const exponent = 31 - Math.clz32(value + 1);
  const power = 2 ** exponent;
  return exponent * 256 + Math.floor(((value + 1 - power) * 256) / power);
}

/** Thousandths of the pixels that are nearly black, and nearly white. */
function greys(samples: Uint8Array): readonly number[] {
  let black = 0;
  let white = 0;
  for (const sample of samples) {
    if (sample < 16) black += 1;
    if (sample >= 240) white += 1;
  }
  return [black, white].map((count) => Math.floor((count * 1000) / samples.length));
}
