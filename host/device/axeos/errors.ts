/** The error table of miners that are read and set over HTTP. */
import { codedErrors } from "../../base/error.ts";

export const AXEOS_ERRORS = {
  AXEOS_ADDRESS: "Only addresses of the local network are asked: give the miner's own address.",
  AXEOS_UNREACHABLE:
    "The miner does not answer: check its power, its WiFi and the address; its display shows the address.",
  AXEOS_DEADLINE: "The miner did not answer in time: check its WiFi, or restart it.",
  AXEOS_SIZE: "The answer is larger than any miner's: check that the address is a miner's.",
  AXEOS_REPLY: "The answer is not what a miner gives: check that the address is a miner's, and its firmware.",
  AXEOS_STATUS:
    "The miner refused: 401 means that it does not take this computer for one of its own network, 404 that its firmware is too old for this.",
  AXEOS_PAIR_OPTION: "Correct the address, port or worker name of the bridge that the message names.",
  AXEOS_PAIR_UNSUPPORTED: "This miner cannot be paired by this program: set its pool on its own web page.",
  AXEOS_PAIR_NOT_TAKEN:
    "The miner took the request but not the setting, and has been set back: set its pool on its own web page.",
  AXEOS_PAIR_UNPROVEN:
    "The miner has been set back to its former pool: check that it can reach this computer on the bridge's port (firewall, WiFi isolation, bind address).",
  AXEOS_UNDO_REFUSED:
    "Nothing was changed: compare the miner with the pairing that is to be undone, and set its pool on its own web page.",
  AXEOS_UNDO_FAILED: "The miner may still be set to this computer: set its pool on its own web page.",
} as const;

export class AxeosError extends codedErrors(AXEOS_ERRORS) {
  /** Of an AXEOS_STATUS: the HTTP status. */
  readonly status: number | undefined;

  constructor(code: keyof typeof AXEOS_ERRORS, detail: string, options?: ErrorOptions & { readonly status?: number }) {
    super(code, detail, options);
    this.status = options?.status;
  }
}
