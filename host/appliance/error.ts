import { codedErrors } from "../base/error.ts";

export const APPLIANCE_ERRORS = {
  MINER_ADDRESS: "Correct this entry of device.miners: axeos://WORKER@HOST[:PORT] or s9://WORKER@ADDRESS[:PORT].",
  MINER_TWICE: "Give each miner of device.miners a worker name of its own.",
  PRECOMPUTE_CHANGED: "Give another --out folder: the files are not the ones that this one was begun with.",
  PRECOMPUTE_DAMAGED: "Give a new --out folder: what lies in this one does not fit together.",
  PRECOMPUTE_EMPTY: "Give a folder with PNG, JPEG or TIFF files in it.",
  PRECOMPUTE_FOLDER: "Give a folder that can be read.",
  PRECOMPUTE_OUT: "Give an --out folder that can be written to.",
  PRECOMPUTE_TOO_MANY: "Give a folder with fewer images: split the data set.",
} as const;

export class ApplianceError extends codedErrors(APPLIANCE_ERRORS) {}
