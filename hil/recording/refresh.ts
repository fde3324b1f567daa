/** Recording again what is recorded already: beside it, with the difference, and in its place only when somebody says so. */
import { existsSync, renameSync } from "node:fs";
import { errorMessage } from "../../host/base/error.ts";
import type { Attempt } from "../rig/report.ts";
import { diffRecordings, type RecordingDifference } from "./diff.ts";
import { RecordingError } from "./error.ts";
import { readRecording } from "./files.ts";
import type { Recorded } from "./record.ts";
import { type Verified, verifyRecording } from "./verify.ts";

export interface Refreshed {
  readonly attempt: Attempt;
  /** Null where the case did not pass: nothing is kept then. */
  readonly made: {
    readonly path: string;
    readonly verified: Verified;
    /** From what was there, where that can be read. */
    readonly difference: RecordingDifference | null;
  } | null;
}

/** Where the new one goes. */
export function sidePath(path: string): string {
  return `${path}.new`;
}

/**
 * @param path of a recording that is there
 * @param recordTo records the same case to the path that it is given, such as with `record`
 * @throws RecordingError RECORDING_MISSING; RECORDING_EXISTS where an earlier refresh was not decided yet; what
 *   `recordTo` throws
 */
export async function refresh(path: string, recordTo: (sidePath: string) => Promise<Recorded>): Promise<Refreshed> {
  if (!existsSync(path)) throw new RecordingError("RECORDING_MISSING", path);
  const side = sidePath(path);
  if (existsSync(side)) throw new RecordingError("RECORDING_EXISTS", side);
  const { path: kept, attempt } = await recordTo(side);
  if (kept === null) return { attempt, made: null };
  const fresh = readRecording(kept);
  const old = readOrNull(path);
  const difference = old === null ? null : diffRecordings(old, fresh);
  return { attempt, made: { path: kept, verified: verifyRecording(fresh), difference } };
}

/** The new one takes the old one's place. @throws RecordingError RECORDING_MISSING, RECORDING_WRITE, RECORDING_FALSE */
export function acceptRefreshed(path: string): void {
  const side = sidePath(path);
  const { wrong } = verifyRecording(readRecording(side));
  if (wrong.length > 0) throw new RecordingError("RECORDING_FALSE", `${side}: ${wrong[0]}`);
  try {
    renameSync(side, path);
  } catch (error) {
    throw new RecordingError("RECORDING_WRITE", `${path}: ${errorMessage(error)}`, { cause: error });
  }
}

/** What is broken has no difference. */
function readOrNull(path: string) {
  try {
    return readRecording(path);
  } catch (error) {
    if (error instanceof RecordingError) return null;
    throw error;
  }
}
