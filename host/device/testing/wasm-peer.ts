/** The real C core as bytes in → bytes out, at once: for campaigns of many cases. Simulated. */
import type { Peer } from "./corruption.ts";
import { Seeded } from "./seeded.ts";
import { WasmModule } from "./wasm-device-module.ts";

const HASHRATE_GHS = 433.6;
const WORK_SCALE = 105_859_375;
const STEPS_PER_CORE = 2 ** 22;
/** How far the device's clock goes at each call. */
const STEP_US = 5000;
const MOST_POLLS = 1000;

/** Builds the module on demand. @param seed decides everything the device draws */
export async function wasmPeer(seed: number): Promise<Peer> {
  const module = await WasmModule.build();
  const random = new Seeded(seed);
  let nowUs = 0;
  const core = module.instantiate({ nowUs: () => nowUs, random: () => random.below(2 ** 32) });
  core.init(seed, 0, HASHRATE_GHS, WORK_SCALE, STEPS_PER_CORE);
  const said = (into: Uint8Array[]) => {
    const length = core.take();
    if (length > 0) into.push(new Uint8Array(core.memory.buffer, core.output(), length).slice());
    return length;
  };
  return {
    take: (bytes) => {
      nowUs += STEP_US;
      const out: Uint8Array[] = [];
      const most = core.inputSize();
      for (let at = 0; at < bytes.length; at += most) {
        const part = bytes.subarray(at, at + most);
        new Uint8Array(core.memory.buffer, core.input(), part.length).set(part);
        core.feed(part.length);
        said(out);
      }
      // Until it has nothing more to say.
      for (let polls = 0; polls < MOST_POLLS; polls++) {
        core.poll();
        if (said(out) === 0) break;
      }
      return Buffer.concat(out);
    },
  };
}
