import { codedErrors } from "../base/error.ts";

export const HEALTH_ERRORS = {
  METRICS_LISTEN: "Give metrics.listen an address of this machine and a port that is free, or leave it out.",
} as const;

export class HealthError extends codedErrors(HEALTH_ERRORS) {}
