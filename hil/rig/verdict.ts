/** What a run as a whole comes to. */
import { RIG_ERRORS } from "./error.ts";
import type { AbsentTarget, CaseResult, RunProblem, RunReport, Verdict } from "./report.ts";

export interface Demands {
  /** A run without one real target fails; a model behind a serial port that was named will do, and says that it is one. */
  readonly requireReal?: boolean;
  /** A run without one real device fails: no model will do. */
  readonly requireHardware?: boolean;
  /** Whose absence is not a failure; default everything real. */
  readonly optional?: (absent: AbsentTarget) => boolean;
  /** A case that a target of recordings should hold, and does not, is a failure. */
  readonly requireRecorded?: boolean;
  /** `flaky` and `missing` fail too. */
  readonly strict?: boolean;
  readonly signal?: AbortSignal;
}

const EXECUTED: ReadonlySet<Verdict> = new Set(["passed", "failed", "flaky"]);

export function isExecuted({ verdict }: Pick<CaseResult, "verdict">): boolean {
  return EXECUTED.has(verdict);
}

/** Why the run fails though perhaps no case did. */
export function problemsOf(outcome: Pick<RunReport, "targets" | "absent" | "results">, demands: Demands): RunProblem[] {
  const { strict = false, requireRecorded = false, signal } = demands;
  const interrupted = signal?.aborted === true;
  const problems: RunProblem[] = interrupted
    ? [{ code: "RIG_INTERRUPTED", message: "The run was interrupted: what was not run is missing." }]
    : absenceProblems(outcome.absent, demands);
  problems.push(...realProblems(outcome, demands, problems));
  if (!outcome.results.some(isExecuted)) problems.push({ code: "RIG_NO_CASES", message: RIG_ERRORS.RIG_NO_CASES });
  if (!interrupted) problems.push(...lostProblems(outcome));
  if (requireRecorded && !interrupted) problems.push(...unrecordedProblems(outcome));
  if (strict) problems.push(...strictProblems(outcome.results));
  return problems;
}

function absenceProblems(
  absent: readonly AbsentTarget[],
  { optional = ({ kind }) => kind === "real" }: Demands,
): RunProblem[] {
  return absent
    .filter((one) => !optional(one))
    .map(({ name, code, message }) => ({ code, message: `${name}: ${message}` }));
}

/** @param told what is a problem already: it says better what is wrong with a device that was named */
function realProblems(
  { targets, absent, results }: Pick<RunReport, "targets" | "absent" | "results">,
  { requireReal = false, requireHardware = false }: Demands,
  told: readonly RunProblem[],
): RunProblem[] {
  const answered = new Set(results.filter(isExecuted).map(({ target }) => target));
  const real = targets.filter(({ kind, name }) => kind === "real" && answered.has(name));
  const [model] = real.filter(({ identity }) => identity.simulated);
  if (requireHardware && model !== undefined && real.every(({ identity }) => identity.simulated)) {
    const message = `${model.name}: ${model.identity.firmware} answered, and is simulated: HIL_REQUIRE_REAL wants hardware.`;
    return [{ code: "RIG_SIMULATED", message }];
  }
  const named = absent.some(({ kind, code }) => kind === "real" && told.some((problem) => problem.code === code));
  if (!(requireReal || requireHardware) || real.length > 0 || named) return [];
  return [{ code: "RIG_NO_REAL", message: RIG_ERRORS.RIG_NO_REAL }];
}

/** Where there is a device, nothing is missing but for its loss. */
function lostProblems({ targets, results }: Pick<RunReport, "targets" | "results">): RunProblem[] {
  return targets
    .filter(({ kind }) => kind !== "replay")
    .flatMap(({ name }) => {
      const lost = results.filter(({ target, verdict }) => target === name && verdict === "missing");
      const [first] = lost;
      if (first === undefined) return [];
      return [{ code: "RIG_LOST", message: `${name}: ${lost.length} cases were not run, ${first.reason}` }];
    });
}

function unrecordedProblems({ targets, results }: Pick<RunReport, "targets" | "results">): RunProblem[] {
  return targets
    .filter(({ kind }) => kind === "replay")
    .flatMap(({ name }) => {
      const [first, ...others] = results.filter(({ target, verdict }) => target === name && verdict === "missing");
      if (first === undefined) return [];
      const more = others.length === 0 ? "" : `; and ${others.length} more`;
      const message = `${name}: ${first.id} is missing, ${first.reason}${more}. ${RIG_ERRORS.RIG_UNRECORDED}`;
      return [{ code: "RIG_UNRECORDED", message }];
    });
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
