/**
 * The figures of an evaluation. Pure, and the same rules as the training's own (`models/train/metrics.py` and
 * `stats.py`); `eval-metrics.test.ts` holds them to values that those gave.
 */

/** One image that got a probability. */
export interface Scored {
  readonly positive: boolean;
  readonly logit: number;
  /** As it is published: calibrated, four decimals. */
  readonly probability: number;
  readonly calledPositive: boolean;
}

export interface Figure {
  readonly value: number | null;
  readonly interval95: readonly [number, number] | null;
  /** Why value or interval is null. */
  readonly why: string | null;
}

export interface Share extends Figure {
  readonly hits: number;
  readonly of: number;
}

/** A bar of the reliability diagram; empty ones are left out. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  /** Mean stated probability. */
  readonly stated: number;
  /** Share of positives. */
  readonly observed: number;
  readonly count: number;
}

export interface Metrics {
  readonly images: number;
  readonly positives: number;
  /** Interval after DeLong et al., Biometrics 1988; images count as independent. */
  readonly auc: Figure;
  /** Intervals after Wilson, JASA 1927. */
  readonly accuracy: Share;
  readonly sensitivity: Share;
  readonly specificity: Share;
  readonly brier: number | null;
  /** Mean gap between stated and observed probability over the bins, weighted by their size. */
  readonly ece: number | null;
  readonly reliability: readonly ReliabilityBin[];
}

export const BINS = 15;
/** Images of each class below which the normal law behind DeLong's interval is a guess. */
export const CLASS_MIN = 10;
const Z95 = 1.959963984540054;

export function metricsOf(scored: readonly Scored[]): Metrics {
  const positives = scored.filter(({ positive }) => positive);
  const negatives = scored.filter(({ positive }) => !positive);
  const right = scored.filter(({ positive, calledPositive }) => positive === calledPositive).length;
  const found = positives.filter(({ calledPositive }) => calledPositive).length;
  const cleared = negatives.filter(({ calledPositive }) => !calledPositive).length;
  const reliability = reliabilityOf(scored);
  return {
    images: scored.length,
    positives: positives.length,
    auc: aucOf(positives.map(logitOf), negatives.map(logitOf)),
    accuracy: share(right, scored.length),
    sensitivity: share(found, positives.length),
    specificity: share(cleared, negatives.length),
    brier: mean(scored.map(({ positive, probability }) => (probability - (positive ? 1 : 0)) ** 2)),
    ece: mean(
      reliability.map(({ stated, observed, count }) => Math.abs(stated - observed) * count),
      scored.length,
    ),
    reliability,
  };
}

const logitOf = ({ logit }: Scored) => logit;

/** Area under the ROC curve, ties at half, with DeLong's interval from mid-ranks (Sun and Xu, 2014). */
export function aucOf(positives: readonly number[], negatives: readonly number[]): Figure {
  if (positives.length === 0 || negatives.length === 0) return none("no image of one class got a probability");
  const ofPositives = placements(positives, negatives);
  const ofNegatives = placements(negatives, positives).map((below) => 1 - below);
  const value = mean(ofPositives) ?? 0;
  if (Math.min(positives.length, negatives.length) < CLASS_MIN) {
    return { value, interval95: null, why: `fewer than ${CLASS_MIN} images of a class` };
  }
  const error = Math.sqrt(variance(ofPositives) / positives.length + variance(ofNegatives) / negatives.length);
  if (error < 1e-9)
    return { value, interval95: null, why: "no variance: the classes do not overlap, or all logits are equal" };
  return { value, interval95: [Math.max(0, value - Z95 * error), Math.min(1, value + Z95 * error)], why: null };
}

/** For each value the share of `others` below it, ties at half. */
function placements(values: readonly number[], others: readonly number[]): number[] {
  const sorted = Float64Array.from(others).sort();
  return values.map(
    (value) => (bound(sorted, (other) => other < value) + bound(sorted, (other) => other <= value)) / 2 / others.length,
  );
}

/** How many values, from the first on, are `below`. */
function bound(sorted: Float64Array, below: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (below(sorted[middle] ?? Number.NaN)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of a sample: the sum of squares over n − 1. */
function variance(values: readonly number[]): number {
  const centre = mean(values) ?? 0;
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}

export function share(hits: number, of: number): Share {
  if (of === 0) return { ...none("no such image got a probability"), hits, of };
  const value = hits / of;
  const scale = 1 + Z95 ** 2 / of;
  const centre = (value + Z95 ** 2 / (2 * of)) / scale;
  const half = (Z95 / scale) * Math.sqrt((value * (1 - value)) / of + Z95 ** 2 / (4 * of ** 2));
  // At the ends Wilson's bound is 0 or 1 itself; rounding would leave it a hair beside.
  const interval95 = [hits === 0 ? 0 : centre - half, hits === of ? 1 : centre + half] as const;
  return { value, interval95, why: null, hits, of };
}

function reliabilityOf(scored: readonly Scored[]): ReliabilityBin[] {
  const bins = Array.from({ length: BINS }, () => ({ stated: 0, positives: 0, count: 0 }));
  for (const { probability, positive } of scored) {
    const bin = bins[Math.min(Math.floor(probability * BINS), BINS - 1)];
    if (bin === undefined) continue;
    bin.stated += probability;
    bin.positives += positive ? 1 : 0;
    bin.count++;
  }
  return bins.flatMap(({ stated, positives, count }, place) => {
    const range = { from: place / BINS, to: (place + 1) / BINS };
    return count === 0 ? [] : [{ ...range, stated: stated / count, observed: positives / count, count }];
  });
}

function none(why: string): Figure {
  return { value: null, interval95: null, why };
}

function mean(values: readonly number[], count = values.length): number | null {
  return count === 0 ? null : values.reduce((sum, value) => sum + value, 0) / count;
}
