import { codedErrors } from "../../host/base/error.ts";

export const FAULT_ERRORS = {
  FAULT_PLAN: "The fault plan cannot be read: KIND@DIRECTION key=value …, parted by semicolons.",
  FAULT_CANNOT: "This line cannot suffer that fault: run the case on a target that can restart its device.",
} as const;

export class FaultError extends codedErrors(FAULT_ERRORS) {}
