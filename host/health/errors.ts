import { codedErrors } from "../base/error.ts";

export const HEALTH_ERRORS = {
  METRICS_LISTEN: "Give metrics.listen an address of this machine and a port that is free, or leave it out.",
  SERVICE_NOTIFY:
    "systemd was not told how the service does: check that systemd-notify is installed and that the unit has NotifyAccess=all.",
} as const;

export class HealthError extends codedErrors(HEALTH_ERRORS) {}
