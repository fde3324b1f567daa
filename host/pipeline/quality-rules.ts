/** The gate's rules over its features: linear ones that say what an image is, and a distance. Pure, whole numbers. */

export type RuleReason =
  | "BLURRED"
  | "CROPPED"
  | "INVERTED"
  | "LOW_CONTRAST"
  | "NOT_A_CHEST_FILM"
  | "ROTATED"
  | "SCREEN"
  | "SEVERAL_IMAGES"
  | "TEXT";

export interface Rule {
  /** The kind of image that it was fitted to. */
  readonly kind: string;
  readonly reason: RuleReason;
  /** It fires where the sum of weight · z is over it; 1/65536 of a logit. */
  readonly limit: number;
  readonly weights: readonly number[];
}

export interface GateTable {
  readonly mean: readonly number[];
  /** z = (feature − mean) · scale / 1024, in 1/64 deviations of the films that the gate was fitted on. */
  readonly scale: readonly number[];
  /** Squared distance from those films beyond which an image is none of them, in 1/4096. */
  readonly distance: number;
  /** Lower triangle of the matrix that makes z independent, row by row, in 1/1024. */
  readonly whitening: readonly (readonly number[])[];
  readonly rules: readonly Rule[];
}

export interface Judgement {
  readonly reason: RuleReason | null;
  readonly scores: readonly number[];
  readonly distance: number;
}

const UNIT = 1024;
const Z_MAX = 4095;

/** Where several rules fire, the surest gives the reason; the distance counts where none does. */
export function judge(features: readonly number[], table: GateTable): Judgement {
  const z = features.map((feature, i) => standardised(feature, table.mean[i] ?? 0, table.scale[i] ?? 0));
  const scores = table.rules.map(({ weights }) => dot(weights, z));
  const distance = table.whitening.reduce((sum, row) => sum + Math.floor(dot(row, z) / UNIT) ** 2, 0);
  const over = table.rules.map(({ limit }, i) => (scores[i] ?? 0) - limit);
  const most = Math.max(...over);
  const surest = most > 0 ? table.rules[over.indexOf(most)] : undefined;
  const far = distance > table.distance ? "NOT_A_CHEST_FILM" : null;
  return { reason: surest?.reason ?? far, scores, distance };
}

function standardised(feature: number, mean: number, scale: number): number {
  return Math.max(-Z_MAX, Math.min(Z_MAX, Math.floor(((feature - mean) * scale) / UNIT)));
}

/** As long as the shorter one. */
function dot(weights: readonly number[], z: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * (z[i] ?? 0), 0);
}
