/** `hil verify`: every digest and work proof of a recording, computed again. */
import type { Command } from "commander";
import { CodedError, errorCode, errorMessage } from "../../host/base/error.ts";
import { EXIT, type ExitCode, type Output, table } from "../../host/cli/output.ts";
import { RecordingError } from "../recording/error.ts";
import { RECORDINGS_FOLDER, readRecording } from "../recording/files.ts";
import { type Verified, verifyRecording } from "../recording/verify.ts";
import { action } from "./action.ts";
import { filesIn, shortPath } from "./recordings.ts";

interface Checked {
  readonly file: string;
  readonly good: boolean;
  readonly simulated: boolean | null;
  readonly counts: Omit<Verified, "wrong"> | null;
  readonly wrong: readonly string[];
  readonly code: string | null;
}

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .description("recompute every digest and work proof in recordings")
    .argument("[files...]", "recordings, or folders of them (default: all that come with the rig)")
    .action(action((output: Output, files: readonly string[]) => verify(output, files)));
}

function verify(output: Output, named: readonly string[]): ExitCode {
  const files = filesIn(named.length > 0 ? named : [RECORDINGS_FOLDER]);
  if (files.length === 0) {
    throw new RecordingError("RECORDING_MISSING", `${named.join(", ") || RECORDINGS_FOLDER} holds no recordings`);
  }
  const checked = files.map(checkOf);
  // Of a ping there is nothing to compute; of all that was named there must be something.
  const good = checked.every((one) => one.good) && checked.some(isTold);
  output.answer({ good, recordings: checked }, () => [
    ...table(["recording", "verdict", "digests", "proofs", "unchecked"], checked.map(rowOf)),
    ...checked.flatMap(({ file, wrong }) => wrong.map((words) => `${shortPath(file)}: ${words}`)),
    sumOf(checked),
  ]);
  return good ? EXIT.done : EXIT.failed;
}

function checkOf(file: string): Checked {
  try {
    const recording = readRecording(file);
    const { wrong, ...counts } = verifyRecording(recording);
    const code = wrong.length > 0 ? "RECORDING_FALSE" : null;
    return { file, good: wrong.length === 0, simulated: recording.header.simulated, counts, wrong, code };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { file, good: false, simulated: null, counts: null, wrong: [errorMessage(error)], code: errorCode(error) };
  }
}

/** Whether anything was found true. */
function isTold({ good, counts }: Checked): boolean {
  return good && counts !== null && counts.digests + counts.proofs > 0;
}

function rowOf(checked: Checked): string[] {
  const { file, good, simulated, counts, code } = checked;
  const words = isTold(checked) ? "true" : "nothing to verify";
  const verdict = good ? `${words}${simulated === true ? ", simulated" : ""}` : (code ?? "false");
  const { digests = 0, proofs = 0, unchecked = 0 } = counts ?? {};
  return [shortPath(file), verdict, ...[digests, proofs, unchecked].map(String)];
}

function sumOf(checked: readonly Checked[]): string {
  const sum = (of: (counts: NonNullable<Checked["counts"]>) => number) =>
    checked.reduce((all, { counts }) => all + (counts === null ? 0 : of(counts)), 0);
  const bad = checked.filter(({ good }) => !good).length;
  const none = checked.filter((one) => one.good && !isTold(one)).length;
  const states = `${checked.length} recordings, ${bad} not to be trusted, ${none} with nothing to verify`;
  return `${states}; ${sum(({ digests }) => digests)} digests and ${sum(({ proofs }) => proofs)} work proofs are right.`;
}
