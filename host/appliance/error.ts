import { codedErrors } from "../base/error.ts";

export const APPLIANCE_ERRORS = {
  PRECOMPUTE_CHANGED: "Give another --out folder: the files are not the ones that this one was begun with.",
  PRECOMPUTE_EMPTY: "Give a folder with PNG, JPEG or TIFF files in it.",
  PRECOMPUTE_FOLDER: "Give a folder that can be read.",
  PRECOMPUTE_OUT: "Give an --out folder that can be written to.",
} as const;

export class ApplianceError extends codedErrors(APPLIANCE_ERRORS) {}
