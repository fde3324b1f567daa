/** `hil record`: recordings made, played back, or made anew. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { EXIT, type ExitCode, lowestExit, type Output } from "../../host/cli/output.ts";
import { RecordingError } from "../recording/error.ts";
import { RECORDINGS_FOLDER, readRecording, recordingPath } from "../recording/files.ts";
import type { Header } from "../recording/format.ts";
import type { AnyCase } from "../rig/case.ts";
import { redactedId } from "../rig/hidden-id.ts";
import { runCases } from "../rig/runner.ts";
import { caseSeed } from "../rig/seed.ts";
import type { AnyTarget } from "../rig/target.ts";
import { hasPassed } from "../rig/verdict.ts";
import { isReplayed } from "../targets/replay.ts";
import { action, ROOT } from "./action.ts";
import { environmentOf, recordFacts } from "./environment.ts";
import { stoppable } from "./interrupt.ts";
import { onTarget, seedOf, withPace } from "./options.ts";
import { showRun } from "./print.ts";
import { runProgress } from "./progress.ts";
import { chosenCases, onEachThere, recordingFiles, recordOn, shortPath } from "./recordings.ts";
import { planTargets } from "./targets.ts";

const MODES = ["record", "playback", "update"] as const;
const REAL_FOLDER = join(ROOT, "build/hil/recordings");

interface RecordCommandOptions {
  readonly target?: string;
  readonly port?: string;
  readonly stratum?: string;
  readonly case?: readonly string[];
  readonly mode: (typeof MODES)[number];
  readonly seed?: string;
  readonly pace?: string;
  readonly to?: string;
}

interface Made {
  readonly case: string;
  readonly path: string;
  readonly state: "made" | "there already" | "failed";
  readonly message: string | null;
}

export function registerRecord(program: Command): void {
  withPace(onTarget(program.command("record")))
    .description("record cases on a model or a real device, one file a case")
    .addOption(
      new Option("--mode <mode>", "record what is missing, play back what is there, or make all of it anew")
        .choices(MODES)
        .default("record"),
    )
    .option("--case <id...>", "a case's id, the beginning of one, or a pattern with *")
    .option("--seed <n>", "0 to 4294967295 (default: drawn)")
    .option(
      "--to <folder>",
      "where recordings lie (default: of a model those that come with the rig, of a real device a folder of its own in build/hil/recordings)",
    )
    .action(action((output: Output, options: RecordCommandOptions) => commandOf(options)(output, options)));
}

function commandOf({ mode }: RecordCommandOptions) {
  return mode === "playback" ? playBack : makeRecordings;
}

async function playBack(output: Output, options: RecordCommandOptions): Promise<ExitCode> {
  const cases = chosenCases(options.case);
  const pace = options.pace === undefined ? {} : { pace: options.pace };
  const { to: folder = RECORDINGS_FOLDER } = options;
  const choice = { target: replaysIn(folder), recordings: folder, ...pace };
  const { plans } = planTargets(choice, {}, { onWords: () => {} });
  const progress = runProgress(cases, plans);
  const seed = seedOf(options);
  const common = { cases, targets: plans, seed, environment: environmentOf({}) };
  const report = await stoppable((signal) => runCases({ ...common, signal, onEvent: progress.onEvent })).finally(() =>
    progress.stop(),
  );
  output.answer({ passed: hasPassed(report), results: report.results, problems: report.problems }, () =>
    showRun(report),
  );
  return hasPassed(report) ? EXIT.done : EXIT.failed;
}

/** The targets that have something to play; the LV06's shares lie beside the rig's own recordings only. */
function replaysIn(folder: string): string {
  const transports = (["usb", "stratum"] as const).filter(
    (transport) => recordingFiles(join(folder, transport)).length > 0,
  );
  if (transports.length === 0) throw new RecordingError("RECORDING_MISSING", `${folder} holds no recordings`);
  const shares = resolve(folder) === resolve(RECORDINGS_FOLDER) ? ["replay-lv06-shares"] : [];
  return [...transports.map((transport) => `replay-${transport}`), ...shares].join(",");
}

async function makeRecordings(output: Output, options: RecordCommandOptions): Promise<ExitCode> {
  const onWords = (words: string) => output.note(words);
  const planned = planTargets({ ...options, target: options.target ?? "model" }, process.env, { onWords });
  const made: Made[] = [];
  const folders: string[] = [];
  const exit = await stoppable((signal) =>
    onEachThere(planned, output, async (target) => {
      const folder = options.to ?? folderOf(target);
      folders.push(shortPath(folder));
      made.push(...(await makeOn(target, { ...options, to: folder }, signal, output)));
    }),
  );
  const count = (state: Made["state"]) => made.filter((one) => one.state === state).length;
  output.answer({ recordings: made }, () => [
    `${count("made")} made, ${count("there already")} there already, ${count("failed")} failed, in ${[...new Set(folders)].join(", ")}`,
  ]);
  return lowestExit([exit, ...made.map(({ state }) => (state === "failed" ? EXIT.failed : EXIT.done))]);
}

/** What comes with the rig is of models; a real device's are its owner's. */
function folderOf(target: AnyTarget): string {
  return target.kind === "real" ? join(REAL_FOLDER, deviceOf(target).replace(/[^\w.-]/g, "_")) : RECORDINGS_FOLDER;
}

/** As recordings name it. */
function deviceOf({ identity: { id, simulated } }: AnyTarget): string {
  return simulated ? id : redactedId(id);
}

/**
 * What is there of another device neither counts as this one's nor is overwritten.
 *
 * @throws RecordingError RECORDING_EXISTS; what keeps it from being read, unless it is to be replaced
 */
function expectOwn(path: string, target: AnyTarget, replace: boolean): void {
  const header = headerAt(path, replace);
  if (header === null || (header.target.kind === target.kind && header.device.id === deviceOf(target))) return;
  const there = `${header.device.id} (${header.target.kind})`;
  throw new RecordingError("RECORDING_EXISTS", `${path} is of ${there}, not of ${deviceOf(target)} (${target.kind})`);
}

function headerAt(path: string, replace: boolean): Header | null {
  try {
    return readRecording(path).header;
  } catch (error) {
    if (replace && error instanceof RecordingError) return null;
    throw error;
  }
}

function caughtRecording(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof RecordingError) return error.message;
    throw error;
  }
}

/** Without names, what can be played back. */
function recordable({ case: named }: RecordCommandOptions): AnyCase[] {
  const cases = chosenCases(named);
  return named === undefined ? cases.filter(({ can = [] }) => can.every(isReplayed)) : cases;
}

async function makeOn(
  target: AnyTarget,
  options: RecordCommandOptions & { readonly to: string },
  signal: AbortSignal,
  output: Output,
): Promise<Made[]> {
  const [seed, facts, replace] = [seedOf(options), recordFacts(), options.mode === "update"];
  const recordOne = recordOn(target);
  const made: Made[] = [];
  for (const one of recordable(options).filter(({ transport }) => transport === target.transport)) {
    const path = recordingPath(options.to, one.transport, one.id);
    if (existsSync(path)) {
      const wrong = caughtRecording(() => expectOwn(path, target, replace));
      if (wrong !== null) output.note(`${one.id} FAILED: ${wrong}`);
      if (wrong !== null || !replace) {
        made.push({ case: one.id, path, state: wrong === null ? "there already" : "failed", message: wrong });
        continue;
      }
    }
    const to = { folder: options.to };
    const recorded = await recordOne(one, { facts, seed: caseSeed(seed, one.id), to, replace, signal });
    if (recorded === undefined) continue;
    const { message } = recorded.attempt;
    made.push({ case: one.id, path, state: recorded.path === null ? "failed" : "made", message });
    output.note(recorded.path === null ? `${one.id} FAILED: ${message}` : `${one.id} → ${shortPath(path)}`);
  }
  return made;
}
