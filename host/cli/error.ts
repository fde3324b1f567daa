import { codedErrors } from "../base/error.ts";

export const USAGE_ERRORS = {
  USAGE_OPTION: "See --help for what the option takes.",
} as const;

export class UsageError extends codedErrors(USAGE_ERRORS) {}
