/** `hil record`: recordings made, played back, or made anew. */
import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { EXIT, type ExitCode, lowestExit, type Output } from "../../host/cli/output.ts";
import { RECORDINGS_FOLDER, recordingPath } from "../recording/files.ts";
import { runCases } from "../rig/runner.ts";
import { caseSeed } from "../rig/seed.ts";
import type { AnyTarget } from "../rig/target.ts";
import { hasPassed } from "../rig/verdict.ts";
import { action } from "./action.ts";
import { environmentOf, recordFacts } from "./environment.ts";
import { stoppable } from "./interrupt.ts";
import { onTarget, seedOf } from "./options.ts";
import { showRun } from "./print.ts";
import { runProgress } from "./progress.ts";
import { chosenCases, onePlanEach, recordOn, shortPath } from "./recordings.ts";
import { planTargets } from "./targets.ts";

const MODES = ["record", "playback", "update"] as const;

interface RecordCommandOptions {
  readonly target?: string;
  readonly port?: string;
  readonly stratum?: string;
  readonly case?: readonly string[];
  readonly mode: (typeof MODES)[number];
  readonly seed?: string;
  readonly to: string;
}

interface Made {
  readonly case: string;
  readonly path: string;
  readonly state: "made" | "there already" | "failed";
  readonly message: string | null;
}

export function registerRecord(program: Command): void {
  onTarget(program.command("record"))
    .description("record cases on a model or a real device, one file a case")
    .addOption(
      new Option("--mode <mode>", "record what is missing, play back what is there, or make all of it anew")
        .choices(MODES)
        .default("record"),
    )
    .option("--case <id...>", "a case's id, the beginning of one, or a pattern with *")
    .option("--seed <n>", "0 to 4294967295 (default: drawn)")
    .option("--to <folder>", "where recordings lie", RECORDINGS_FOLDER)
    .action(action((output: Output, options: RecordCommandOptions) => commandOf(options)(output, options)));
}

function commandOf({ mode }: RecordCommandOptions) {
  return mode === "playback" ? playBack : makeRecordings;
}

async function playBack(output: Output, options: RecordCommandOptions): Promise<ExitCode> {
  const cases = chosenCases(options.case);
  const { plans } = planTargets({ target: "replay", recordings: options.to }, {}, { onWords: () => {} });
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

async function makeRecordings(output: Output, options: RecordCommandOptions): Promise<ExitCode> {
  const onWords = (words: string) => output.note(words);
  const { plans } = planTargets({ ...options, target: options.target ?? "model" }, process.env, { onWords });
  const made = await stoppable(async (signal) => {
    const all: Made[] = [];
    for (const plan of onePlanEach(plans)) {
      const target = await plan.open();
      try {
        all.push(...(await makeOn(target, options, signal, output)));
      } finally {
        await target.close();
      }
    }
    return all;
  });
  const count = (state: Made["state"]) => made.filter((one) => one.state === state).length;
  output.answer({ recordings: made }, () => [
    `${count("made")} made, ${count("there already")} there already, ${count("failed")} failed, in ${shortPath(options.to)}`,
  ]);
  return lowestExit(made.map(({ state }) => (state === "failed" ? EXIT.failed : EXIT.done)));
}

async function makeOn(
  target: AnyTarget,
  options: RecordCommandOptions,
  signal: AbortSignal,
  output: Output,
): Promise<Made[]> {
  const [seed, facts, replace] = [seedOf(options), recordFacts(), options.mode === "update"];
  const recordOne = recordOn(target);
  const made: Made[] = [];
  for (const one of chosenCases(options.case).filter(({ transport }) => transport === target.transport)) {
    const path = recordingPath(options.to, one.transport, one.id);
    if (existsSync(path) && !replace) {
      made.push({ case: one.id, path, state: "there already", message: null });
      continue;
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
