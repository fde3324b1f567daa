/** What the commands on recordings share: which files, which cases, and a target to record them from. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { UsageError } from "../../host/cli/error.ts";
import { type ExitCode, lowestExit, type Output } from "../../host/cli/output.ts";
import { EXTENSION, RECORDINGS_FOLDER } from "../recording/files.ts";
import { type Recorded, type RecordOptions, record } from "../recording/record.ts";
import type { TransportKind } from "../rig/bench.ts";
import type { AnyCase, Case } from "../rig/case.ts";
import type { TargetPlan } from "../rig/runner.ts";
import { selectCases, unknownIds } from "../rig/select.ts";
import type { AnyTarget, Target } from "../rig/target.ts";
import { exitCodeOf } from "./action.ts";
import { ALL_CASES } from "./cases.ts";
import type { PlannedTargets } from "./targets.ts";

/** @throws UsageError USAGE_OPTION */
export function chosenCases(ids: readonly string[] = []): AnyCase[] {
  const [unknown] = unknownIds(ALL_CASES, ids);
  if (unknown !== undefined) throw new UsageError("USAGE_OPTION", `--case ${unknown} is no case's id`);
  return selectCases(ALL_CASES, { ids });
}

/** Every recording below a folder. */
export function recordingFiles(folder = RECORDINGS_FOLDER): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(EXTENSION))
    .sort()
    .map((name) => join(folder, name));
}

/** Of files and folders, the files; a name of nothing stays, for who reads it to say so. */
export function filesIn(paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? recordingFiles(path) : [path],
  );
}

/** As a person in the checkout would write it. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}

/** The first plan of each transport: a case has one recording. */
export function onePlanEach(plans: readonly TargetPlan[]): TargetPlan[] {
  const transports: readonly TransportKind[] = ["usb", "stratum"];
  return transports.flatMap((transport) => plans.find((plan) => plan.transport === transport) ?? []);
}

/**
 * Each target that is there, one after the other. A real one that is away is told of.
 *
 * @returns how the command ends for those that are away and were asked for by name
 * @throws what kept the first one away, where none was there; what `work` throws
 */
export async function onEachThere(
  { plans, demands }: PlannedTargets,
  output: Output,
  work: (target: AnyTarget) => Promise<void>,
): Promise<ExitCode> {
  const errors: unknown[] = [];
  const exits: ExitCode[] = [];
  const chosen = onePlanEach(plans);
  for (const { name, kind, transport, open } of chosen) {
    let target: AnyTarget;
    try {
      target = await open();
    } catch (error) {
      if (kind !== "real") throw error;
      errors.push(error);
      const absent = { name, kind, transport, code: errorCode(error), message: errorMessage(error) };
      output.note(`${name}: absent. ${absent.message}`);
      if (demands.optional?.(absent) !== true) exits.push(exitCodeOf(error));
      continue;
    }
    try {
      await work(target);
    } finally {
      await target.close();
    }
  }
  if (errors.length > 0 && errors.length === chosen.length) throw errors[0];
  return lowestExit(exits);
}

/** One case on an open target that is for its transport; undefined where it does not apply there. */
export type RecordOne = (one: AnyCase, options: RecordOptions) => Promise<Recorded> | undefined;

export function recordOn(target: AnyTarget): RecordOne {
  return target.transport === "usb"
    ? (one, options) => (one.transport === "usb" ? recordIfCovered(target, one, options) : undefined)
    : (one, options) => (one.transport === "stratum" ? recordIfCovered(target, one, options) : undefined);
}

function recordIfCovered<Kind extends TransportKind>(target: Target<Kind>, one: Case<Kind>, options: RecordOptions) {
  return target.covers(one).runs ? record(target, one, options) : undefined;
}
