/** What a run as a whole comes to. */
import type { TargetKind } from "./bench.ts";
import { RIG_ERRORS } from "./error.ts";
import type { CaseResult, RunProblem, RunReport, Verdict } from "./report.ts";

export interface Demands {
  /** A run without one real target fails; a model behind a serial port that was named will do, and says that it is one. */
  readonly requireReal?: boolean;
  /** A run without one real device fails: no model will do. */
  readonly requireHardware?: boolean;
  /** Kinds whose absence is not a failure. */
  readonly optional?: readonly TargetKind[];
  /** `flaky` and `missing` fail too. */
  readonly strict?: boolean;
  readonly signal?: AbortSignal;
}

const EXECUTED: ReadonlySet<Verdict> = new Set(["passed", "failed", "flaky"]);

export function isExecuted({ verdict }: Pick<CaseResult, "verdict">): boolean {
  return EXECUTED.has(verdict);
}

/** Why the run fails though perhaps no case did. */
export function problemsOf(
  { targets, absent, results }: Pick<RunReport, "targets" | "absent" | "results">,
  { requireReal = false, requireHardware = false, optional = ["real"], strict = false, signal }: Demands,
): RunProblem[] {
  const problems: RunProblem[] = [];
  const interrupted = signal?.aborted === true;
  if (interrupted) {
    problems.push({ code: "RIG_INTERRUPTED", message: "The run was interrupted: what was not run is missing." });
  }
  for (const { kind, name, code, message } of absent) {
    if (!optional.includes(kind) && !interrupted) problems.push({ code, message: `${name}: ${message}` });
  }
  const answered = new Set(results.filter(isExecuted).map(({ target }) => target));
  const real = targets.filter(({ kind, name }) => kind === "real" && answered.has(name));
  const fits = requireHardware ? real.filter(({ identity }) => !identity.simulated) : real;
  if ((requireReal || requireHardware) && fits.length === 0) {
    problems.push({ code: "RIG_NO_REAL", message: RIG_ERRORS.RIG_NO_REAL });
  }
  if (answered.size === 0) problems.push({ code: "RIG_NO_CASES", message: RIG_ERRORS.RIG_NO_CASES });
  if (strict) problems.push(...strictProblems(results));
  return problems;
}

function strictProblems(results: readonly CaseResult[]): RunProblem[] {
  const left = results.filter(({ verdict }) => verdict === "flaky" || verdict === "missing");
  if (left.length === 0) return [];
  return [{ code: "RIG_STRICT", message: `${left.length} cases are flaky or missing, and --strict was given.` }];
}

export function hasPassed({ problems, results }: Pick<RunReport, "problems" | "results">): boolean {
  return problems.length === 0 && !results.some(({ verdict }) => verdict === "failed");
}

export type Counts = Readonly<Record<Verdict, number>>;

export function countVerdicts(results: readonly Pick<CaseResult, "verdict">[]): Counts {
  const counts = { passed: 0, failed: 0, flaky: 0, "not-applicable": 0, missing: 0 };
  for (const { verdict } of results) counts[verdict]++;
  return counts;
}
