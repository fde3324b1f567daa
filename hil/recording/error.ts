import { codedErrors } from "../../host/base/error.ts";

export const RECORDING_ERRORS = {
  RECORDING_MISSING: "There is no such recording: make it with `./hil/hil record`.",
  RECORDING_EMPTY:
    "The file is empty, or what it holds is of no device: make the recording again with `./hil/hil record`.",
  RECORDING_FORM: "This is no recording, or one that was damaged: make it again with `./hil/hil record`.",
  RECORDING_LIMIT: "The recording is larger than 16 MB, 1 MB a line or 200,000 events: record a shorter case.",
  RECORDING_VERSION: "The recording was made by a newer rig: update this checkout, or record again.",
  RECORDING_UNKNOWN:
    "The recording holds a field or an event that this version of the format does not have: do not edit recordings, make it again.",
  RECORDING_TRUNCATED: "The recording has no end record: it was cut short or its run was killed; make it again.",
  RECORDING_EDITED: "The recording was changed after it was made: restore it from version control, or make it again.",
  RECORDING_OTHER: "The recording is of another case, transport or device than it stands for: make it again.",
  RECORDING_FAILED:
    "The recording is of a run that did not pass, and proves nothing: mend the case and record it again.",
  RECORDING_MISMATCH:
    "The host behaves otherwise than when this was recorded: mend the host, or, if it is right, record again with `./hil/hil refresh` and read the difference.",
  RECORDING_LEFTOVER:
    "The host ended before the recording did: look for what it no longer does, or record again with `./hil/hil refresh`.",
  RECORDING_FALSE:
    "The recording holds an answer that is not true: the device was faulty, or the file was made up; do not keep it.",
  RECORDING_WRITE: "The recording could not be written: check the folder, its permissions and the disk's space.",
  RECORDING_EXISTS: "The file is there already and is not overwritten: look at it, then accept or delete it.",
  RECORDING_TARGET: "This target cannot be recorded: choose a model or a real device.",
} as const;

export type RecordingErrorCode = keyof typeof RECORDING_ERRORS;

export class RecordingError extends codedErrors(RECORDING_ERRORS) {}
