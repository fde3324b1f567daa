/** The Stratum bridge's error table: what the person who runs it can do. Why a connection ended stands in `limits.ts`. */
import { codedErrors } from "../../base/error.ts";

export const STRATUM_ERRORS = {
  STRATUM_LISTEN: "The bridge could not listen: choose another port or address of this machine, or free the port.",
  STRATUM_OPTION: "Correct the setting of the bridge that the message names.",
  STRATUM_CLOSED: "The bridge was closed: nothing is wrong with the miners.",
} as const;

export class StratumError extends codedErrors(STRATUM_ERRORS) {}
