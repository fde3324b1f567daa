/** The firmware's programs, built on demand: a compiler is all they need. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const root = new URL("../../../", import.meta.url).pathname;

export const modelProgram = `${root}build/firmware/lv06-model`;
/** With the address and undefined-behaviour sanitizers: a memory error fails the test that causes it. */
export const vectorsProgram = `${root}build/firmware/sanitize/lv06-vectors`;
export const vectorsFolder = `${root}firmware-spec/vectors/`;

export function buildModel(): Promise<unknown> {
  return make("all");
}

export function buildVectors(): Promise<unknown> {
  return make("sanitize");
}

function make(target: string): Promise<unknown> {
  return promisify(execFile)("make", ["-s", "-C", `${root}firmware-spec`, target]);
}

/** Those of the programs that are not on the PATH: tests that need one skip themselves by name. */
export function missingPrograms(...names: readonly string[]): readonly string[] {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return names.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
}

/** What the WebAssembly build is made with. */
export const missingWasmTools = missingPrograms("clang", "wasm-ld");
