/** The firmware's core and the model's board as a WebAssembly module: built on demand with clang and wasm-ld. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const root = new URL("../../../", import.meta.url).pathname;
const wasmFile = `${root}build/firmware/lv06-core.wasm`;

/** What `firmware-spec/model/wasm.c` exports. Times are microseconds, addresses are in `memory`. */
export interface WasmCore {
  readonly memory: { readonly buffer: ArrayBuffer };
  init(seed: number, flags: number, hashrateGhs: number, workScale: number, steps: number): void;
  input(): number;
  inputSize(): number;
  feed(length: number): void;
  /** Until it wants to be called again; below 0: not before a feed. */
  poll(): number;
  output(): number;
  take(): number;
  rate(): number;
  setHostRate(baud: number): void;
  reboot(reason: number): void;
  setWork(hashrateGhs: number, workScale: number): void;
}

export interface WasmHost {
  nowUs(): number;
  /** 32 bits. */
  random(): number;
}

/** What is used of Node's WebAssembly, which the language's own library does not declare. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<object>;
  readonly Instance: new (
    module: object,
    imports: Record<string, Record<string, () => number>>,
  ) => { exports: unknown };
}
const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

/** Builds and compiles the module; `instantiate` makes a device of it at once, as often as wanted. */
export class WasmModule {
  readonly #module: object;

  private constructor(module: object) {
    this.#module = module;
  }

  static async build(): Promise<WasmModule> {
    await promisify(execFile)("make", ["-s", "-C", `${root}firmware-spec`, "wasm"]);
    return new WasmModule(await webAssembly.compile(await readFile(wasmFile)));
  }

  instantiate(host: WasmHost): WasmCore {
    const imports = { host: { nowUs: () => host.nowUs(), random: () => host.random() } };
    return new webAssembly.Instance(this.#module, imports).exports as WasmCore;
  }
}
