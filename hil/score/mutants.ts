/** All planted defects. */
import type { Mutant } from "./mutant.ts";
import { CORE_MUTANTS } from "./mutants/core.ts";
import { HOST_STRATUM_MUTANTS } from "./mutants/host-stratum.ts";
import { HOST_USB_MUTANTS } from "./mutants/host-usb.ts";
import { MODEL_MUTANTS } from "./mutants/model.ts";
import { RECORDING_MUTANTS } from "./mutants/recording.ts";

export const MUTANTS: readonly Mutant[] = [
  ...HOST_USB_MUTANTS,
  ...HOST_STRATUM_MUTANTS,
  ...CORE_MUTANTS,
  ...MODEL_MUTANTS,
  ...RECORDING_MUTANTS,
];
