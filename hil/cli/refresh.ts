/** `hil refresh`: recordings made anew beside the old ones, with the difference; taken over only when asked to. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { CodedError } from "../../host/base/error.ts";
import { EXIT, type ExitCode, lowestExit, type Output } from "../../host/cli/output.ts";
import { RecordingError } from "../recording/error.ts";
import { RECORDINGS_FOLDER, readRecording, recordingPath } from "../recording/files.ts";
import { acceptRefreshed, type Refreshed, refresh, sidePath } from "../recording/refresh.ts";
import type { AnyCase } from "../rig/case.ts";
import { caseSeed } from "../rig/seed.ts";
import { action } from "./action.ts";
import { recordingLines } from "./diff.ts";
import { recordFacts } from "./environment.ts";
import { stoppable } from "./interrupt.ts";
import { onTarget } from "./options.ts";
import { chosenCases, onEachThere, recordOn, shortPath } from "./recordings.ts";
import { planTargets } from "./targets.ts";

interface RefreshCommandOptions {
  readonly target?: string;
  readonly port?: string;
  readonly stratum?: string;
  readonly case?: readonly string[];
  readonly to: string;
  readonly accept?: true;
}

export function registerRefresh(program: Command): void {
  onTarget(program.command("refresh"))
    .description("record again what is recorded, into side files, and show the difference")
    .option("--case <id...>", "a case's id, the beginning of one, or a pattern with *")
    .option("--to <folder>", "where recordings lie", RECORDINGS_FOLDER)
    .option("--accept", "put the side files of an earlier refresh in the place of the old recordings")
    .action(
      action((output: Output, options: RefreshCommandOptions) =>
        options.accept === true ? accept(output, options) : makeAgain(output, options),
      ),
    );
}

function recordedCases({ case: ids, to }: RefreshCommandOptions): { readonly one: AnyCase; readonly path: string }[] {
  const all = chosenCases(ids).map((one) => ({ one, path: recordingPath(to, one.transport, one.id) }));
  return all.filter(({ path }) => existsSync(path));
}

function accept(output: Output, options: RefreshCommandOptions): ExitCode {
  const paths = recordedCases(options)
    .map(({ path }) => path)
    .filter((path) => existsSync(sidePath(path)));
  for (const path of paths) acceptRefreshed(path);
  output.answer({ accepted: paths }, () => [...paths.map(shortPath), `${paths.length} recordings taken over.`]);
  return EXIT.done;
}

type OutcomeOfOne =
  | { readonly kind: "recorded"; readonly refreshed: Refreshed }
  | { readonly kind: "not-applicable"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

type Outcome = OutcomeOfOne & { readonly case: string };

async function makeAgain(output: Output, options: RefreshCommandOptions): Promise<ExitCode> {
  const onWords = (words: string) => output.note(words);
  const planned = planTargets({ ...options, target: options.target ?? "model" }, process.env, { onWords });
  const cases = recordedCases(options);
  if (cases.length === 0) throw new RecordingError("RECORDING_MISSING", options.to);
  const made: Outcome[] = [];
  const exit = await stoppable((signal) =>
    onEachThere(planned, output, async (target) => {
      const recordOne = recordOn(target);
      for (const { one, path } of cases.filter(({ one: { transport } }) => transport === target.transport)) {
        const options = { facts: recordFacts(), seed: seedOf(path, one.id), signal };
        const again = refresh(path, (side) => {
          const recorded = recordOne(one, { ...options, to: { path: side } });
          if (recorded !== undefined) return recorded;
          throw new RecordingError("RECORDING_TARGET", `${one.id} does not apply on ${target.name}`);
        });
        made.push({ case: one.id, ...(await outcomeOf(again)) });
        signal.throwIfAborted();
      }
    }),
  );
  output.answer({ refreshed: made }, () => made.flatMap(linesOf));
  const none = made.every(({ kind }) => kind === "not-applicable");
  return lowestExit([exit, none ? EXIT.failed : EXIT.done, ...made.map(exitOf)]);
}

/** What one case comes to keeps no other from being recorded. */
async function outcomeOf(again: Promise<Refreshed>): Promise<OutcomeOfOne> {
  try {
    return { kind: "recorded", refreshed: await again };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === "RECORDING_TARGET") return { kind: "not-applicable", message: error.detail };
    return { kind: "failed", message: error.message };
  }
}

function exitOf(outcome: Outcome): ExitCode {
  if (outcome.kind === "not-applicable") return EXIT.done;
  const made = outcome.kind === "recorded" ? outcome.refreshed.made : null;
  return made === null || made.verified.wrong.length > 0 ? EXIT.failed : EXIT.done;
}

/** The old recording's, so that what differs is the device or the host. */
function seedOf(path: string, id: string): number {
  try {
    return readRecording(path).header.seed;
  } catch (error) {
    if (error instanceof RecordingError) return caseSeed(0, id);
    throw error;
  }
}

function linesOf(outcome: Outcome): string[] {
  if (outcome.kind === "not-applicable") return [outcome.message];
  if (outcome.kind === "failed") return [`${outcome.case} FAILED: ${outcome.message}`];
  const { attempt, made } = outcome.refreshed;
  if (made === null) return [`${outcome.case} FAILED, nothing is kept: ${attempt.message}`];
  const difference = made.difference === null ? ["The old one cannot be read."] : recordingLines(made.difference);
  return [
    `${outcome.case} → ${shortPath(made.path)}`,
    ...[...made.verified.wrong, ...difference].map((line) => `  ${line}`),
    "",
  ];
}
