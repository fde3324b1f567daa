/** What every part of the bench is given, and the little that they share. */
import { spawnSync } from "node:child_process";

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

/** A script's JSON, from a process of its own: what ran before must not be in its memory. */
export function reportOf<T>(script: string, ...args: readonly (string | number)[]): T {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", script, ...args.map(String)], {
    encoding: "utf8",
    timeout: 300_000,
  });
  if (status !== 0) throw new Error(`${script} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
