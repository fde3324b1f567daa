/** Latencies in buckets of 10 µs up to 320 µs, and of 3–6 % of their value above: small, and fine enough for both ends. */

const LINEAR_US = 10;
/** Buckets in the linear part; half as many in each doubling above it. */
const LINEAR = 32;
const HALF = LINEAR / 2;

export interface Bucket {
  readonly fromUs: number;
  readonly toUs: number;
  readonly count: number;
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Whether it was a time: under a clock that stands still while the host works, nothing has passed when it has. */
export function isTime(ms: number): boolean {
  return ms > 0 && Number.isFinite(ms);
}

/** Those that hold something, lowest first. What is no time is not counted. */
export function bucketsOf(latenciesMs: readonly number[]): Bucket[] {
  const counts = new Map<number, number>();
  for (const ms of latenciesMs) {
    if (!isTime(ms)) continue;
    const index = bucketIndex(ms * 1000);
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  const indexes = [...counts.keys()].sort((a, b) => a - b);
  return indexes.map((index) => ({
    fromUs: lowerUs(index),
    toUs: lowerUs(index + 1),
    count: counts.get(index) ?? 0,
  }));
}

function bucketIndex(us: number): number {
  const unit = Math.floor(us / LINEAR_US);
  if (unit < LINEAR) return unit;
  const octave = Math.floor(Math.log2(unit / HALF));
  return octave * HALF + Math.floor(unit / 2 ** octave);
}

function lowerUs(index: number): number {
  if (index < LINEAR) return index * LINEAR_US;
  const octave = Math.floor(index / HALF) - 1;
  return (index - octave * HALF) * 2 ** octave * LINEAR_US;
}

/** Nearest rank, in ms: each is a value that was measured. Null without one. */
export function quantilesOf(latenciesMs: readonly number[]): Quantiles | null {
  const sorted = latenciesMs.filter(isTime).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
