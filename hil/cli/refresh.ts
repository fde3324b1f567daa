/** `hil refresh`: recordings made anew beside the old ones, with the difference; taken over only when asked to. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
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
import { chosenCases, onePlanEach, recordOn, shortPath } from "./recordings.ts";
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

async function makeAgain(output: Output, options: RefreshCommandOptions): Promise<ExitCode> {
  const onWords = (words: string) => output.note(words);
  const { plans } = planTargets({ ...options, target: options.target ?? "model" }, process.env, { onWords });
  const cases = recordedCases(options);
  if (cases.length === 0) throw new RecordingError("RECORDING_MISSING", options.to);
  const made = await stoppable(async (signal) => {
    const all: (Refreshed & { readonly case: string })[] = [];
    for (const plan of onePlanEach(plans)) {
      const target = await plan.open();
      const recordOne = recordOn(target);
      try {
        for (const { one, path } of cases.filter(({ one: { transport } }) => transport === target.transport)) {
          const seed = seedOf(path, one.id);
          const refreshed = await refresh(path, async (side) => {
            const recorded = recordOne(one, { facts: recordFacts(), seed, to: { path: side }, signal });
            if (recorded === undefined) throw new RecordingError("RECORDING_TARGET", `${one.id} on ${target.name}`);
            return recorded;
          });
          all.push({ case: one.id, ...refreshed });
        }
      } finally {
        await target.close();
      }
    }
    return all;
  });
  output.answer({ refreshed: made }, () => made.flatMap(linesOf));
  return lowestExit(
    made.map((one) => (one.made === null || one.made.verified.wrong.length > 0 ? EXIT.failed : EXIT.done)),
  );
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

function linesOf({ case: id, attempt, made }: Refreshed & { readonly case: string }): string[] {
  if (made === null) return [`${id} FAILED, nothing is kept: ${attempt.message}`];
  const difference = made.difference === null ? ["The old one cannot be read."] : recordingLines(made.difference);
  return [`${id} → ${shortPath(made.path)}`, ...[...made.verified.wrong, ...difference].map((line) => `  ${line}`), ""];
}
