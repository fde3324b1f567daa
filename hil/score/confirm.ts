/**
 * A find that holds: what found the defect is tried once more without it, at the same seed and beside the same load. What
 * fails there as well proves nothing, and the trial goes on past it.
 */
import { type TimedTrial, tryIn } from "./run-trial.ts";
import type { Finder, TrialOptions } from "./trial.ts";

export interface ConfirmedTrial extends TimedTrial {
  /** Failed without the defect as well. */
  readonly doubted: readonly string[];
}

/** A rig that fails so often by itself finds nothing. */
const MOST_DOUBTS = 3;
/** A target that does not open at all. */
const OPENING = "opening";

type Asked = Omit<TrialOptions, "again" | "past">;

/** @param base is the copy without the defect @throws as `tryIn` */
export async function tryConfirmed(
  copy: string,
  base: string,
  options: Asked,
  signal: AbortSignal,
  run: typeof tryIn = tryIn,
): Promise<ConfirmedTrial> {
  const startMs = performance.now();
  const doubted: string[] = [];
  for (;;) {
    const trial = await run(copy, { ...options, past: doubted, again: null }, signal);
    const told = { ...trial, doubted, ms: performance.now() - startMs };
    if (trial.found === null) return told;
    const without = await run(base, { ...options, past: [], again: trial.found }, signal);
    const ms = performance.now() - startMs;
    if (passed(without, trial.found)) return { ...told, ms };
    doubted.push(trial.found.by);
    if (doubted.length >= MOST_DOUBTS || !hasMore(trial.found)) return { ...told, found: null, ms };
  }
}

/** Not that nothing failed, but that it was run and held. */
function passed({ found, ran, flaky }: TimedTrial, { by }: Finder): boolean {
  return found === null && flaky.length === 0 && (ran > 0 || by === OPENING);
}

/** Whether a tier has anything to try past this. */
function hasMore({ target, by }: Finder): boolean {
  return target !== "virtual" && by !== OPENING;
}
