/**
 * What systemd is told of the service, where it started it as one that tells (Type=notify).
 *
 * Node cannot send on a datagram socket of this kind: systemd's own `systemd-notify` does, once for every word.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { errorMessage } from "../base/error.ts";
import { HealthError } from "./errors.ts";

/** `READY=1`, `WATCHDOG=1`, `STOPPING=1`, `STATUS=words`. */
export type Notice = `${"READY" | "WATCHDOG" | "STOPPING" | "STATUS"}=${string}`;

export interface ServiceManager {
  /** What is not fed for this long is ended and started again; null where nothing watches. */
  readonly watchdogMs: number | null;
  /** @throws HealthError SERVICE_NOTIFY */
  tell(...notices: readonly Notice[]): Promise<void>;
}

const DEADLINE_MS = 2_000;
const PROGRAM = "systemd-notify";

type Environment = Readonly<Record<string, string | undefined>>;

/** @param pid of this process: the watchdog may be for another one */
export function serviceManager(env: Environment, pid: number): ServiceManager {
  if (!env.NOTIFY_SOCKET) return { watchdogMs: null, tell: async () => {} };
  const mine = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(pid);
  const watchdogMs = mine ? Number(env.WATCHDOG_USEC ?? Number.NaN) / 1000 : Number.NaN;
  return { watchdogMs: watchdogMs > 0 ? watchdogMs : null, tell };
}

async function tell(...notices: readonly Notice[]): Promise<void> {
  try {
    await promisify(execFile)(PROGRAM, [...notices], { timeout: DEADLINE_MS });
  } catch (error) {
    throw new HealthError("SERVICE_NOTIFY", errorMessage(error), { cause: error });
  }
}
