/** The checks of firmware-spec that are no vectors: unit tests, lint, cross builds, glue, and a short fuzz. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { missingPrograms } from "../host/device/testing/firmware.ts";

const folder = new URL("../firmware-spec", import.meta.url).pathname;
const DEADLINE_MS = 480_000;

/** @returns what the target printed */
async function make(target: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)("make", ["-s", "-C", folder, target], { maxBuffer: 2 ** 24 });
  return stdout + stderr;
}

const TARGETS = [
  ["test", "unit tests of core and model, with the address and undefined-behaviour sanitizers", ["cc"]],
  ["lint", "gcc and clang without a warning, clang-tidy and cppcheck clean", ["clang", "clang-tidy", "cppcheck"]],
  ["cross", "bare RISC-V and Cortex-M within the budget", ["riscv64-unknown-elf-gcc", "arm-none-eabi-gcc"]],
  ["glue-check", "the ESP-IDF glue against declarations as documented", ["clang"]],
  ["fuzz-short", "libFuzzer for 20 seconds", ["clang"]],
] as const;

describe("make -C firmware-spec", () => {
  for (const [target, what, programs] of TARGETS) {
    it.skipIf(missingPrograms(...programs).length > 0)(`${target}: ${what}`, { timeout: DEADLINE_MS }, async () => {
      await expect(make(target)).resolves.toEqual(expect.any(String));
    });
  }
});
