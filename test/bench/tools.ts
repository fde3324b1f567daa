/** What every part of the bench is given, and the little arithmetic they share. */

export interface BenchTools {
  /** 1, or less for a quick run. */
  readonly share: number;
  /** Says what is being measured. */
  note(words: string): void;
  /** One figure; `met` is null where there is no target, `simulated` where no device took part. */
  add(name: string, value: number, unit: string, target?: string, met?: boolean | null, simulated?: boolean): void;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** @param part 0…1 */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)] ?? Number.NaN;
}
