/** Many rounds of the same cases as one report: of each case its worst, and the latencies of all rounds. */
import type { CaseResult, RunReport, Verdict } from "./report.ts";
import { countVerdicts } from "./verdict.ts";

/** From bad to good. */
const WORST_FIRST: readonly Verdict[] = ["failed", "flaky", "passed", "missing", "not-applicable"];
/** Of one measurement in one case: more are no better known, and memory is bounded. */
export const SAMPLES_MOST = 10_000;

export interface Round {
  readonly round: number;
  readonly seed: number;
  readonly passed: number;
  readonly failed: number;
  readonly flaky: number;
  readonly durationMs: number;
  readonly rssMiB: number;
}

export function roundOf(round: number, report: RunReport, rssBytes: number): Round {
  const { passed, failed, flaky } = countVerdicts(report.results);
  return {
    ...{ round, seed: report.seed, passed, failed, flaky, durationMs: report.durationMs },
    rssMiB: Math.round(rssBytes / 2 ** 20),
  };
}

/** @param before all rounds so far @param random uniform in [0, 1) */
export function mergeRounds(before: RunReport, round: RunReport, random: () => number): RunReport {
  const key = ({ id, target }: CaseResult) => `${target} ${id}`;
  // What is told of a result is how to have it again.
  const results = round.results.map((result) => ({ ...result, seed: round.seed }));
  const fresh = new Map(results.map((result) => [key(result), result]));
  const known = new Set(before.results.map(key));
  return {
    ...before,
    durationMs: round.startedUtcMs - before.startedUtcMs + round.durationMs,
    results: [
      ...before.results.map((result) => {
        const next = fresh.get(key(result));
        return next === undefined ? result : worse(result, next, round.startedUtcMs - before.startedUtcMs, random);
      }),
      ...results.filter((result) => !known.has(key(result))),
    ],
    problems: [
      ...before.problems,
      ...round.problems.filter((one) => !before.problems.some(({ code }) => code === one.code)),
    ],
  };
}

function worse(a: CaseResult, b: CaseResult, afterMs: number, random: () => number): CaseResult {
  const latencies = mergeLatencies(a.latencies, b.latencies, random);
  const isWorse = WORST_FIRST.indexOf(b.verdict) < WORST_FIRST.indexOf(a.verdict);
  if (!isWorse) return { ...a, latencies };
  const attempts = b.attempts.map((attempt) => ({ ...attempt, startedMs: attempt.startedMs + afterMs }));
  return { ...b, attempts, latencies };
}

function mergeLatencies(
  a: CaseResult["latencies"],
  b: CaseResult["latencies"],
  random: () => number,
): CaseResult["latencies"] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(names.map((name) => [name, bounded([...(a[name] ?? []), ...(b[name] ?? [])], random)]));
}

/** The largest always stays: it is what a soak is after. */
function bounded(samples: number[], random: () => number): number[] {
  if (samples.length <= SAMPLES_MOST) return samples;
  const most = Math.max(...samples);
  while (samples.length > SAMPLES_MOST) {
    const at = Math.floor(random() * samples.length);
    if (samples[at] === most && samples.indexOf(most) === at) continue;
    samples[at] = samples.at(-1) ?? 0;
    samples.pop();
  }
  return samples;
}
