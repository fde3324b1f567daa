import { codedErrors } from "../base/error.ts";

/** What was typed cannot be meant: exit code 2. */
export const USAGE_ERRORS = {
  USAGE_ARGUMENT: "See --help for the arguments that the command takes.",
  USAGE_COMMAND: "See --help for the commands that there are.",
  USAGE_EMPTY_FOLDER: "Name image files, or a folder that has some.",
  USAGE_FOLDER: "Name a folder that this user may read.",
  USAGE_OPTION: "See --help for what the option takes.",
  USAGE_TOO_MANY_FILES: "Give fewer files at once, or put them into the inbox of a running appliance.",
} as const;

export type UsageCode = keyof typeof USAGE_ERRORS;

export class UsageError extends codedErrors(USAGE_ERRORS) {}

/** What a command could not do: exit code 1. */
export const COMMAND_ERRORS = {
  COMMAND_INTERRUPTED: "Run the command again: it was told to stop before it was done.",
  IMAGE_MISSING: "See `lv06 images ls`; what was kept longer than the limits of `ingest` allow is removed.",
  IMAGE_UNREAD: "It was no file, or too large: it lies beside, in quarantine in the inbox, as its id and .unread.",
  OUTPUT_EXISTS: "Name another file, or give --force to replace this one.",
  OUTPUT_WRITE: "Name a file, in a folder that this user may write to.",
} as const;

export class CommandError extends codedErrors(COMMAND_ERRORS) {}
