/** How a process that runs until it is told to stop comes to its end. */
import { errorCode, errorMessage } from "../base/error.ts";
import { EXIT } from "./output.ts";

export type Ending = "told" | "crashed";

/** For what a clean stop does not get done after a defect, in ms. */
const CRASH_STOP_MS = 2_000;
/** For what is still written after everything has stopped, in ms. */
const LEAVE_MS = 500;

interface Log {
  error(fields: object, message: string): void;
}

/** Resolves when a signal tells it to stop. */
export function untilTold(): Promise<Ending> {
  return new Promise((resolve) => {
    // `on`: whoever says it twice (timeout does) must not cut the clean stop short.
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve("told"));
  });
}

/**
 * Resolves at an error that nobody has caught: a defect of ours. Nobody knows what state it left, so this process is to
 * stop and be started again; what is durable is whole. It ends by itself where stopping takes too long.
 */
export function untilCrashed(log: Log): Promise<Ending> {
  return new Promise((resolve) => {
    const crashed = (error: unknown) => {
      const stack = error instanceof Error ? error.stack : undefined;
      log.error({ part: "appliance", code: errorCode(error), stack }, `defect: ${errorMessage(error)}`);
      setTimeout(() => process.exit(EXIT.failed), CRASH_STOP_MS).unref();
      resolve("crashed");
    };
    process.on("uncaughtException", crashed);
    process.on("unhandledRejection", crashed);
  });
}

/** What did not stop does not keep the process. */
export function leaveSoon(): void {
  setTimeout(() => process.exit(), LEAVE_MS).unref();
}
