/** What every command starts from: the global options, the configuration, the log. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { pino } from "pino";
import { type Loaded, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { IngestError } from "../ingest/error.ts";
import { isRefusal } from "../raster/error.ts";
import { EXIT, type ExitCode, Output } from "./output.ts";

/** Where the appliance is installed. */
export const INSTALL_DIR = resolve(import.meta.dirname, "../..");

export function packageVersion(): string {
  const text = readFileSync(resolve(INSTALL_DIR, "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

export interface Context {
  readonly output: Output;
  load(): Loaded;
  config(): Config;
}

export type Log = ReturnType<typeof openLog>;

/**
 * JSON lines. A line that is told late brings its own `time`.
 * @param file 2, standard error, unless the log is all that there is to say
 */
export function openLog(level: string, file: 1 | 2) {
  return pino(
    { level, base: null, timestamp: false, mixin: () => ({ time: new Date().toISOString() }) },
    pino.destination({ dest: file, sync: true }),
  );
}

/**
 * Runs a command's work, prints what goes wrong, and sets the exit code.
 *
 * commander calls an action with the arguments, the command's own options, and the command.
 */
export function action<Args extends unknown[]>(
  work: (context: Context, ...args: Args) => Promise<ExitCode> | ExitCode,
) {
  return async (...all: [...Args, Command]): Promise<void> => {
    const command = all.at(-1) as Command;
    const args = all.slice(0, -1) as Args;
    const options = command.optsWithGlobals<{ json?: true; config?: string }>();
    const output = new Output(options.json === true);
    const load = () =>
      loadConfig({ file: options.config ?? null, env: process.env, cwd: process.cwd(), installDir: INSTALL_DIR });
    const context: Context = { output, load, config: () => load().config };
    try {
      process.exitCode = await work(context, ...args);
    } catch (error) {
      output.failure(error);
      process.exitCode = exitCodeOf(error);
    }
  };
}

const NO_DEVICE = new Set([
  "AXEOS_DEADLINE",
  "AXEOS_UNREACHABLE",
  "DEVICE_ABSENT",
  "DEVICE_BOOTLOADER",
  "DEVICE_BROWNOUT",
  "DEVICE_CRASHED",
  "DEVICE_NO_HELLO",
  "DEVICE_OPEN",
  "DEVICE_OTHER",
]);

/** What was asked for, or is configured, cannot be meant. */
const WRONG_SETUP = new Set([
  "AXEOS_ADDRESS",
  "AXEOS_PAIR_OPTION",
  "MINER_ADDRESS",
  "MINER_TWICE",
  "PAIR_ADVERTISE",
  "PAIR_LOOPBACK",
  "PAIR_NO_POOL",
  "PAIR_WORKER",
]);

/** For a failure that ends a command, and for one file among many. */
export function exitCodeOf(error: unknown): ExitCode {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (/^(CONFIG|USAGE)_/.test(code) || WRONG_SETUP.has(code)) return EXIT.usage;
  // The inbox is the appliance's own folder, not an input.
  if (code === "INGEST_INBOX") return EXIT.failed;
  if (isRefusal(error) || error instanceof IngestError) return EXIT.refused;
  if (NO_DEVICE.has(code)) return EXIT.deviceAbsent;
  return EXIT.failed;
}
