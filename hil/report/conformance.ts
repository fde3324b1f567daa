/** How far each target keeps to the specification, as the cases show it. */
import type { Level } from "../rig/case.ts";
import type { CaseResult, RunReport } from "../rig/report.ts";
import { LEVELS } from "../rig/select.ts";

export interface Score {
  /** Held at the first attempt. */
  readonly held: number;
  /** All that apply: a missing case is one that was not shown to hold. */
  readonly of: number;
}

/**
 * `conforming` every MUST that applies held, and most apply · `not shown` some MUST was not run or is flaky, cases were
 * chosen, or few apply; none failed · `not conforming` a MUST failed. SHOULD and MAY are counted and decide nothing.
 */
export type Conformity = "conforming" | "not shown" | "not conforming";

export interface Conformance {
  readonly target: string;
  readonly scores: Readonly<Record<Level, Score>>;
  readonly conformity: Conformity;
}

/** Of the MUST cases, so many must apply before a target can be said to conform. */
const MOST = 0.5;

export function conformanceOf({
  targets,
  results,
  partial = false,
}: Pick<RunReport, "targets" | "results"> & { readonly partial?: boolean }): Conformance[] {
  return targets.map(({ name }) => {
    const all = results.filter(({ target }) => target === name);
    const own = all.filter(({ verdict }) => verdict !== "not-applicable");
    const musts = own.filter(({ level }) => level === "MUST");
    const isWhole = !partial && musts.length >= all.filter(({ level }) => level === "MUST").length * MOST;
    const scores = Object.fromEntries(LEVELS.map((level) => [level, scoreOf(own, level)])) as Record<Level, Score>;
    return { target: name, scores, conformity: conformityOf(musts, isWhole) };
  });
}

function scoreOf(results: readonly CaseResult[], level: Level): Score {
  const own = results.filter((result) => result.level === level);
  return { held: own.filter(({ verdict }) => verdict === "passed").length, of: own.length };
}

function conformityOf(musts: readonly CaseResult[], isWhole: boolean): Conformity {
  if (musts.some(({ verdict }) => verdict === "failed")) return "not conforming";
  return isWhole && musts.length > 0 && musts.every(({ verdict }) => verdict === "passed") ? "conforming" : "not shown";
}
