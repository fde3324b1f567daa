/** A run's report for the terminal. */
import { table } from "../../host/cli/output.ts";
import { conformanceOf } from "../report/conformance.ts";
import { rowsBySection } from "../report/matrix.ts";
import { counted, durationText } from "../report/words.ts";
import type { TransportKind } from "../rig/bench.ts";
import type { AbsentTarget, CaseResult, RunReport, TargetInfo, Verdict, VirtualTally } from "../rig/report.ts";
import { LEVELS } from "../rig/select.ts";
import { countVerdicts, hasPassed } from "../rig/verdict.ts";

const CELLS: Readonly<Record<Verdict, string>> = {
  passed: "ok",
  failed: "FAILED",
  flaky: "flaky",
  "not-applicable": "·",
  missing: "missing",
};

export function showRun(report: RunReport): string[] {
  const transports = [...new Set(report.targets.map(({ transport }) => transport))];
  return [
    ...transports.flatMap((transport) => [...matrix(report, transport), ""]),
    ...targets(report),
    ...report.results
      .filter(({ verdict }) => verdict === "failed" || verdict === "flaky")
      .flatMap((bad) => failure(bad, report)),
    ...report.problems.map(
      ({ code, message }) => `problem: ${message.includes(code) ? message : `${message} [${code}]`}`,
    ),
    "",
    lastLine(report),
  ];
}

function matrix({ targets: all, results }: RunReport, transport: TransportKind): string[] {
  const names = all.filter((target) => target.transport === transport).map(({ name }) => name);
  const own = results.filter(({ target }) => names.includes(target));
  const rows = [...rowsBySection(own)].flatMap(([section, cases]) =>
    cases.map(({ id, first, byTarget }, index) => [
      index === 0 ? section : "",
      first.level,
      id,
      ...names.map((name) => CELLS[byTarget.get(name)?.verdict ?? "not-applicable"]),
    ]),
  );
  return table(["paragraph", "level", "case", ...names.map((name) => name.replace(`-${transport}`, ""))], rows);
}

function targets(report: RunReport): string[] {
  const scores = new Map(conformanceOf(report).map((one) => [one.target, one]));
  const ran = report.targets.map(({ name, identity }) => {
    const score = scores.get(name);
    const counts = LEVELS.map((level) => {
      const { held, of } = score?.scores[level] ?? { held: 0, of: 0 };
      return of === 0 ? "–" : `${held}/${of}`;
    });
    return [name, score?.conformity ?? "", ...counts, deviceWords(identity)];
  });
  return [
    ...table(["target", "conformity", ...LEVELS, "device"], ran),
    ...report.absent.filter((one) => !isProblem(one, report)).map(({ name, message }) => `${name}: absent. ${message}`),
    ...virtualLines(report),
  ];
}

/** Told at the end, with the other problems. */
function isProblem({ message }: AbsentTarget, { problems }: RunReport): boolean {
  return problems.some((problem) => problem.message.endsWith(message));
}

function virtualLines({ virtual = [], virtualLeftOut }: RunReport): string[] {
  const lines = virtual.flatMap(virtualTally);
  const leftOut = virtualLeftOut === undefined ? [] : [`virtual time: left out. ${virtualLeftOut}`];
  return lines.length + leftOut.length === 0 ? [] : ["", ...lines, ...leftOut];
}

export function virtualTally(tally: VirtualTally): string[] {
  const { transport, scenarios, asked, failed, counts, seconds, failures } = tally;
  const did = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  return [
    `virtual time, ${transport}, simulated: ${scenarios - failed} of ${scenarios} fault scenarios held${scenarios < asked ? ` (of ${asked} asked for)` : ""}, in ${durationText(seconds * 1000)}: ${did.join(", ")}`,
    ...failures.flatMap(({ seed, findings, rerun }) => [`  seed ${seed}: ${findings.join("; ")}`, `  again: ${rerun}`]),
  ];
}

function deviceWords({ firmware, simulated }: TargetInfo["identity"]): string {
  return simulated && !firmware.includes("simulated") ? `${firmware}, simulated` : firmware;
}

function failure(
  { id, title, level, spec, target, verdict, attempts, rerun, seed }: CaseResult,
  report: RunReport,
): string[] {
  const failed = attempts.findLast((attempt) => attempt.verdict === "failed");
  const code = failed?.code ?? null;
  const message = failed?.message ?? "";
  return [
    "",
    `${verdict === "failed" ? "FAILED" : "flaky"}  ${id} on ${target}`,
    `  ${title} (${spec.join(", ")}, ${level})`,
    `  ${message}${code === null || message.includes(code) ? "" : ` [${code}]`}`,
    `  seed ${seed ?? report.seed}, commit ${report.environment.commit ?? "unknown"}; again: ${rerun}`,
  ];
}

export function lastLine(report: RunReport): string {
  const { passed, failed, flaky, missing, "not-applicable": none } = countVerdicts(report.results);
  const words = [
    `${passed} passed`,
    `${failed} failed`,
    ...(flaky > 0 ? [`${flaky} flaky`] : []),
    ...(missing > 0 ? [`${missing} missing`] : []),
    ...(none > 0 ? [`${none} not applicable`] : []),
    ...(report.problems.length > 0 ? [counted(report.problems.length, "problem")] : []),
  ];
  return `${hasPassed(report) ? "Passed" : "FAILED"}: ${words.join(", ")} in ${durationText(report.durationMs)}, seed ${report.seed}.`;
}
