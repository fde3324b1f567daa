/** `hil diff`: two recordings, or two runs, held against each other. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { errorMessage } from "../../host/base/error.ts";
import { UsageError } from "../../host/cli/error.ts";
import { EXIT, type ExitCode, type Output, table } from "../../host/cli/output.ts";
import {
  diffRecordings,
  diffRuns,
  type LatencyDifference,
  type RecordingDifference,
  type RunDifference,
} from "../recording/diff.ts";
import { EXTENSION, readRecording } from "../recording/files.ts";
import type { Estimate } from "../recording/quantiles.ts";
import { parseReport } from "../report/json.ts";
import { durationText } from "../report/words.ts";
import type { RunReport } from "../rig/report.ts";
import { action } from "./action.ts";

export function registerDiff(program: Command): void {
  program
    .command("diff")
    .description("verdicts, answers and latencies of two recordings or two runs; nothing is judged")
    .argument("<a>", "a recording, a run's folder, or its report.json")
    .argument("<b>", "what it is held against")
    .action(action(diff));
}

function diff(output: Output, a: string, b: string): ExitCode {
  if (a.endsWith(EXTENSION) !== b.endsWith(EXTENSION)) {
    throw new UsageError("USAGE_ARGUMENT", "a recording cannot be held against a run");
  }
  if (a.endsWith(EXTENSION)) {
    const difference = diffRecordings(readRecording(a), readRecording(b));
    output.answer(difference, () => recordingLines(difference));
  } else {
    const difference = diffRuns(readRun(a), readRun(b));
    output.answer(difference, () => runLines(difference));
  }
  return EXIT.done;
}

/** @throws UsageError USAGE_ARGUMENT */
function readRun(path: string): RunReport {
  try {
    return parseReport(readFileSync(statSync(path).isDirectory() ? join(path, "report.json") : path, "utf8"));
  } catch (error) {
    throw new UsageError("USAGE_ARGUMENT", `${path}: ${errorMessage(error)}`, { cause: error });
  }
}

export function recordingLines({
  header,
  verdict,
  answers,
  unasked,
  latencies,
  perSecond,
}: RecordingDifference): string[] {
  const { same, different, shown, only } = answers;
  const rate = (name: keyof typeof perSecond.a) => [
    `${name} a second`,
    perSecond.a[name].toFixed(0),
    perSecond.b[name].toFixed(0),
  ];
  return [
    ...table(
      ["", "a", "b"],
      [
        ["verdict", verdict.a, verdict.b],
        ...Object.entries(header).map(([name, pair]) => [name, pair.a, pair.b]),
        ...Object.entries(unasked).map(([name, pair]) => [`${name}, unasked`, String(pair.a), String(pair.b)]),
        ["answers that only it has", String(only.a), String(only.b)],
        ...[rate("written"), rate("read"), rate("answers")],
      ],
    ),
    "",
    `${same} answers are the same, ${different} are not.`,
    ...shown.flatMap(({ question, a, b }) => [`  ${question}`, `    a ${a}`, `    b ${b}`]),
    ...latencyLines(latencies, 1000),
  ];
}

function runLines({ verdicts, latencies }: RunDifference): string[] {
  const rows = verdicts.map(({ target, id, a, b }) => [target, id, a ?? "–", b ?? "–"]);
  return [
    ...(rows.length === 0 ? ["All verdicts are the same."] : table(["target", "case", "a", "b"], rows)),
    ...latencyLines(latencies, 1),
  ];
}

/** @param perMs how many of the figures' units are a millisecond */
function latencyLines(latencies: readonly LatencyDifference[], perMs: number): string[] {
  if (latencies.length === 0) return [];
  const text = (estimate: Estimate | undefined) =>
    estimate === undefined
      ? "–"
      : `${durationText(estimate.value / perMs)} (${durationText(estimate.low / perMs)} to ${durationText(estimate.high / perMs)})`;
  const rows = latencies.map(({ name, a, b, median }) => [
    name,
    text(a?.quantiles.p50),
    text(b?.quantiles.p50),
    median === null ? "–" : changeText(median, perMs),
  ]);
  return ["", ...table(["latency", "median of a (95 %)", "median of b (95 %)", "change"], rows)];
}

function changeText({ value, low, high }: Estimate, perMs: number): string {
  if (low <= 0 && high >= 0) return "none that can be told";
  return `${value < 0 ? "−" : "+"}${durationText(Math.abs(value) / perMs)}`;
}
