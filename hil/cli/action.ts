/** What every command starts from, and how it ends. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { errorCode } from "../../host/base/error.ts";
import { EXIT, type ExitCode, Output } from "../../host/cli/output.ts";

export const ROOT = resolve(import.meta.dirname, "../..");

const LINGER_MS = 1_000;

/** Runs a command's work, prints what goes wrong, and sets the exit code. */
export function action<Args extends unknown[]>(work: (output: Output, ...args: Args) => Promise<ExitCode> | ExitCode) {
  return async (...all: [...Args, Command]): Promise<void> => {
    const command = all.at(-1) as Command;
    const output = new Output(command.optsWithGlobals<{ json?: true }>().json === true);
    try {
      process.exitCode = await work(output, ...(all.slice(0, -1) as Args));
    } catch (error) {
      output.failure(error);
      process.exitCode = exitCodeOf(error);
    }
    // The answer is out: what was given up and still runs must not keep the command from ending.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  };
}

const ABSENT =
  /^(DEVICE_(ABSENT|BOOTLOADER|BROWNOUT|CRASHED|NO_HELLO|OPEN|OTHER|MODEL)|RIG_(NO_REAL|NOT_LV06|LOCKED|PORT_.+|RESETS|SIMULATED|WRONG_DEVICE)|STRATUM_LISTEN)$/;

/** For a failure that ends a command, and for the code of a target that is not there. */
export function exitCodeOf(error: unknown): ExitCode {
  const code = typeof error === "string" ? error : errorCode(error);
  if (/^(USAGE_.*|FAULT_PLAN|RIG_MAP_(FILE|FORM|EQUAL))$/.test(code)) return EXIT.usage;
  return ABSENT.test(code) ? EXIT.deviceAbsent : EXIT.failed;
}
