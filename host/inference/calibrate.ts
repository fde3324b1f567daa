/**
 * From logit to published decision.
 *
 * One rule, in one place (`models/train/calibration.py` follows it too): the probability is rounded to four
 * decimals, half up, and the decision is made from the rounded value, so that whoever reads the message
 * reaches the same decision.
 */

export interface Calibration {
  /** > 0; divides the logit (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). */
  readonly temperature: number;
  /** [0, 1]; probabilities at or above it are positive. */
  readonly threshold: number;
}

export interface Calibrated {
  /** [0, 1], four decimals. */
  readonly probability: number;
  readonly decision: "positive" | "negative";
}

/** @param logit finite */
export function calibrate(logit: number, { temperature, threshold }: Calibration): Calibrated {
  const probability = Math.floor((1 / (1 + Math.exp(-logit / temperature))) * 10_000 + 0.5) / 10_000;
  return { probability, decision: probability >= threshold ? "positive" : "negative" };
}
