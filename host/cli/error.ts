import { CodedError } from "../base/error.ts";

export const USAGE_ERRORS = {
  USAGE_OPTION: "See --help for what the option takes.",
} as const;

export class UsageError extends CodedError<keyof typeof USAGE_ERRORS> {
  constructor(code: keyof typeof USAGE_ERRORS, detail: string, options?: ErrorOptions) {
    super(code, USAGE_ERRORS[code], detail, options);
  }
}
