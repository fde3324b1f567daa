/** Building what stands between a process and its disk, and what the environment of such a process is. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";

const SOURCE = resolve(import.meta.dirname, "shim.c");
const FOLDER = resolve(import.meta.dirname, "../../build/power");

/** See shim.c. `full`: from operation n on, or that one alone. */
export type Trouble =
  | { readonly kind: "none" }
  | { readonly kind: "full"; readonly at: number; readonly onward: boolean }
  | { readonly kind: "killed" | "torn"; readonly at: number };

export interface ShimOptions {
  /** Whose files are meant. */
  readonly folder: string;
  readonly trouble?: Trouble;
  /** Receives how many operations there were. */
  readonly countFile?: string;
  /** Receives every operation with its bytes. */
  readonly logFile?: string;
}

/** @returns the library's path; where two build at once, each has a whole one */
export function buildShim(): string {
  mkdirSync(FOLDER, { recursive: true });
  const [made, path] = [join(FOLDER, `shim-${process.pid}.so`), join(FOLDER, "shim.so")];
  const flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"];
  execFileSync("cc", [...flags, "-o", made, SOURCE, "-ldl"], { timeout: 60_000, stdio: "inherit" });
  renameSync(made, path);
  return path;
}

export function shimEnv(library: string, options: ShimOptions): NodeJS.ProcessEnv {
  const { folder, trouble = { kind: "none" }, countFile, logFile } = options;
  return {
    ...process.env,
    LD_PRELOAD: library,
    POWER_DIR: folder,
    POWER_MODE: modeOf(trouble),
    ...(countFile === undefined ? {} : { POWER_COUNT: countFile }),
    ...(logFile === undefined ? {} : { POWER_LOG: logFile }),
  };
}

function modeOf(trouble: Trouble): string {
  switch (trouble.kind) {
    case "none":
      return "count";
    case "full":
      return `enospc@${trouble.at}${trouble.onward ? "+" : ""}`;
    case "killed":
      return `kill@${trouble.at}`;
    case "torn":
      return `torn@${trouble.at}`;
  }
}
