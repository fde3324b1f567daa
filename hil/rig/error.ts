import { codedErrors } from "../../host/base/error.ts";

export const RIG_ERRORS = {
  RIG_CANNOT: "This target cannot do that: run the case on another one.",
  RIG_DEADLINE: "The device or the host did not get there in time: look at the last frames in the report.",
  RIG_NO_CASES: "No case was run: check HIL_TARGET, and that a device or recording is there.",
  RIG_NO_REAL: "No real device answered: check cable, port and power, or name one with HIL_PORT or HIL_STRATUM.",
  RIG_INTERRUPTED: "The run was told to stop: what it had not run yet is missing.",
  RIG_LOST: "The device went away while the run lasted: see to cable, port and power, then run it again.",
  RIG_UNRECORDED: "Get it back from the repository, or make it: `./hil/hil record --case ID`.",
  RIG_STRICT: "Cases are flaky or missing, and --strict was given: look at them in the report.",
  RIG_VIRTUAL: "A scenario under virtual time broke what must always hold: play its seed again with the line given.",
  RIG_WASM:
    "The C core could not be built for WebAssembly: `sudo apt-get install --no-install-recommends clang lld`, and try again.",
  RIG_DEVICE: "The device tripped over what the host did, or the host over the device: the message says over what.",
  RIG_WRONG_DEVICE:
    "What answers there is not the device that was asked for: check the address, port or worker's name.",
  RIG_MODEL_DIED: "The model device ended by itself, which is a defect of it: run `make -C firmware-spec test`.",
  RIG_LOCKED: "Another run uses this device: wait for it, or end it.",
} as const;

export class RigError extends codedErrors(RIG_ERRORS) {}
