/** Whether a recording can be what it says it is, before anything is played or counted. */
import { RecordingError } from "./error.ts";
import type { Recording } from "./format.ts";
import { unaskedAnswers } from "./gating.ts";
import { expectSameDevice } from "./same-device.ts";
import { expectStructure } from "./structure.ts";

/** @throws RecordingError RECORDING_FORM, RECORDING_EMPTY, RECORDING_EDITED, RECORDING_OTHER, RECORDING_FALSE */
export function expectSound(recording: Recording): void {
  expectStructure(recording);
  expectSameDevice(recording);
  const [first] = unaskedAnswers(recording);
  if (first !== undefined)
    throw new RecordingError("RECORDING_FALSE", `at ${first.atUs} µs ${first.what} answers nothing that was asked`);
}
