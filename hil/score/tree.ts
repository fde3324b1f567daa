/** Copies of the checkout in which defects are planted: sources, built programs and recordings, without tests. */
import { execFile } from "node:child_process";
import { constants, cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { errorMessage } from "../../host/base/error.ts";
import { ScoreError } from "./error.ts";

/** Below the checkout, so that packages are found as they are from there. */
const TAKEN = [
  "package.json",
  "host",
  "hil",
  "firmware-spec",
  "build/firmware/lv06-model",
  "build/firmware/lv06-model-minimal",
  "build/firmware/lv06-core.wasm",
];
const LEFT_OUT = /\.test\.ts$|firmware-spec\/(?:fuzz|cross|vectors|test)\/|hil\/(?:report|map)\/testing\//;
const MAKE_MS = 180_000;
/** Targets of the firmware's Makefile. */
const MADE = { all: "all", model: "../build/firmware/lv06-model", wasm: "wasm" } as const;

/** Times are kept, so that `make` builds only what is newer. */
export function copyTree(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  for (const name of TAKEN) {
    const source = join(from, name);
    if (!existsSync(source)) continue;
    mkdirSync(join(to, name, ".."), { recursive: true });
    cpSync(source, join(to, name), {
      recursive: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (path) => !LEFT_OUT.test(path),
    });
  }
}

/** @throws ScoreError SCORE_BUILD */
export async function buildFirmware(root: string, what: keyof typeof MADE): Promise<void> {
  try {
    await promisify(execFile)("make", ["-s", "-C", join(root, "firmware-spec"), MADE[what]], { timeout: MAKE_MS });
  } catch (error) {
    throw new ScoreError("SCORE_BUILD", `${root}: ${errorMessage(error).slice(0, 2000)}`, { cause: error });
  }
}
