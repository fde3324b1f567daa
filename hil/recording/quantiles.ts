/** Latencies in short: quantiles, each with a bootstrap interval. Seeded: the same numbers give the same intervals. */
import { Seeded } from "../../host/device/testing/seeded.ts";

export const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99 } as const;
export type Quantile = keyof typeof QUANTILES;

/** A value and where 95 % of its resamplings lie. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Latencies {
  readonly count: number;
  readonly most: number;
  readonly quantiles: Readonly<Record<Quantile, Estimate>>;
}

const RESAMPLES = 400;
/** More say no more, and take longer: evenly picked of what there is. */
const SAMPLES_MOST = 4000;

/** Undefined without samples. @param samples in any unit */
export function latenciesOf(samples: readonly number[], seed: number): Latencies | undefined {
  if (samples.length === 0) return undefined;
  const sorted = Float64Array.from(samples).sort();
  const resampled = resamplings(sorted, new Seeded(seed));
  const estimate = (q: number) =>
    estimateOf(
      quantileOf(sorted, q),
      resampled.map((one) => quantileOf(one, q)),
    );
  const { p50, p90, p99 } = QUANTILES;
  return {
    count: samples.length,
    most: sorted.at(-1) ?? 0,
    quantiles: { p50: estimate(p50), p90: estimate(p90), p99: estimate(p99) },
  };
}

/** How much larger the quantile of `b` is than that of `a`. The interval holds 0 where nothing can be said. */
export function differenceOf(a: readonly number[], b: readonly number[], quantile: Quantile, seed: number): Estimate {
  const q = QUANTILES[quantile];
  const random = new Seeded(seed);
  const [ours, theirs] = [Float64Array.from(a).sort(), Float64Array.from(b).sort()];
  const ourResamplings = resamplings(ours, random);
  const differences = resamplings(theirs, random).map(
    (one, i) => quantileOf(one, q) - quantileOf(ourResamplings[i] ?? ours, q),
  );
  return estimateOf(quantileOf(theirs, q) - quantileOf(ours, q), differences);
}

function resamplings(sorted: Float64Array, random: Seeded): Float64Array[] {
  const step = Math.max(1, sorted.length / SAMPLES_MOST);
  const count = Math.min(sorted.length, SAMPLES_MOST);
  const pick = () => sorted[Math.floor(random.below(count) * step)] ?? 0;
  return Array.from({ length: RESAMPLES }, () => Float64Array.from({ length: count }, pick).sort());
}

function estimateOf(value: number, resampled: readonly number[]): Estimate {
  const sorted = Float64Array.from(resampled).sort();
  return { value, low: quantileOf(sorted, 0.025), high: quantileOf(sorted, 0.975) };
}

/** The nearest one that was measured. */
function quantileOf(sorted: Float64Array, q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
