/**
 * Instances of the C core, used again and again: making one costs two milliseconds, starting one afresh 25 microseconds.
 * `init` leaves nothing of what was before; the determinism test holds it to that.
 */
import { errorMessage } from "../../host/base/error.ts";
import { type WasmCore, type WasmHost, WasmModule } from "../../host/device/testing/wasm-device-module.ts";
import { RigError } from "../rig/error.ts";

const NOBODY: WasmHost = { nowUs: () => 0, random: () => 0 };

interface Instance {
  readonly core: WasmCore;
  host: WasmHost;
}

export class CorePool {
  readonly #module: WasmModule;
  readonly #free: Instance[] = [];
  readonly #taken: Instance[] = [];

  private constructor(module: WasmModule) {
    this.#module = module;
  }

  /** @throws RigError RIG_WASM */
  static async build(): Promise<CorePool> {
    try {
      return new CorePool(await WasmModule.build());
    } catch (cause) {
      throw new RigError("RIG_WASM", errorMessage(cause).trim(), { cause });
    }
  }

  /** What `WasmDevice` makes its core of. */
  instantiate(host: WasmHost): WasmCore {
    const instance = this.#free.pop() ?? this.#make();
    instance.host = host;
    this.#taken.push(instance);
    return instance.core;
  }

  /** Memory of all instances, in bytes. */
  get memoryBytes(): number {
    return [...this.#free, ...this.#taken].reduce((sum, { core }) => sum + core.memory.buffer.byteLength, 0);
  }

  get size(): number {
    return this.#free.length + this.#taken.length;
  }

  /** Whoever took one has stopped. */
  takeBack(): void {
    for (const instance of this.#taken.splice(0).reverse()) {
      instance.host = NOBODY;
      this.#free.push(instance);
    }
  }

  #make(): Instance {
    const instance = { host: NOBODY } as { host: WasmHost; core?: WasmCore };
    const core = this.#module.instantiate({ nowUs: () => instance.host.nowUs(), random: () => instance.host.random() });
    return Object.assign(instance, { core });
  }
}
