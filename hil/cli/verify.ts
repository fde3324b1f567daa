/** `hil verify`: every digest and work proof of a recording, computed again. */
import type { Command } from "commander";
import { CodedError, errorCode, errorMessage } from "../../host/base/error.ts";
import { EXIT, type ExitCode, type Output, table } from "../../host/cli/output.ts";
import { RecordingError } from "../recording/error.ts";
import { RECORDINGS_FOLDER, readRecording } from "../recording/files.ts";
import { type Verified, verifyRecording } from "../recording/verify.ts";
import { action } from "./action.ts";
import { recordingFiles, shortPath } from "./recordings.ts";

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
    .argument("[files...]", "recordings (default: all that come with the rig)")
    .action(action((output: Output, files: readonly string[]) => verify(output, files)));
}

function verify(output: Output, named: readonly string[]): ExitCode {
  const files = named.length > 0 ? named : recordingFiles();
  if (files.length === 0) throw new RecordingError("RECORDING_MISSING", RECORDINGS_FOLDER);
  const checked = files.map(checkOf);
  const good = checked.every((one) => one.good);
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

function rowOf({ file, good, simulated, counts, code }: Checked): string[] {
  const verdict = good ? `true${simulated === true ? ", simulated" : ""}` : (code ?? "false");
  const { digests = 0, proofs = 0, unchecked = 0 } = counts ?? {};
  return [shortPath(file), verdict, ...[digests, proofs, unchecked].map(String)];
}

function sumOf(checked: readonly Checked[]): string {
  const sum = (of: (counts: NonNullable<Checked["counts"]>) => number) =>
    checked.reduce((all, { counts }) => all + (counts === null ? 0 : of(counts)), 0);
  const bad = checked.filter(({ good }) => !good).length;
  return `${checked.length} recordings, ${bad} not to be trusted; ${sum(({ digests }) => digests)} digests and ${sum(({ proofs }) => proofs)} work proofs are right.`;
}
