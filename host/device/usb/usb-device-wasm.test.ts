/** UsbDevice on the real C core in this process, over a line that damages what it carries. */
import { beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../digest.ts";
import { runCampaign } from "../testing/corruption.ts";
import { DAMAGE_KINDS, damage } from "../testing/damage.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { missingWasmTools } from "../testing/firmware.ts";
import { Seeded } from "../testing/seeded.ts";
import { SoftwareDevice } from "../testing/software-device.ts";
import { WasmDevice } from "../testing/wasm-device.ts";
import { WasmModule } from "../testing/wasm-device-module.ts";
import { wasmPeer } from "../testing/wasm-peer.ts";
import { UsbDevice } from "./usb-device.ts";

let module: WasmModule;
beforeAll(async () => {
  if (missingWasmTools.length === 0) module = await WasmModule.build();
});

const DAMAGED_EVERY = 10;

/** A device whose line damages one chunk in ten once `harm` is set. */
async function connect(seed: number) {
  const clock = new FakeClock();
  const core = new WasmDevice(module, { clock, seed });
  const random = new Seeded(seed);
  const state = { harm: false, damaged: 0 };
  const line = (bytes: Uint8Array) => {
    if (!state.harm || bytes.length === 0 || random.below(DAMAGED_EVERY) > 0) return bytes;
    state.damaged += 1;
    return damage(random.pick(DAMAGE_KINDS), Buffer.from(bytes), random, []);
  };
  core.toDevice = line;
  core.toHost = line;
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    for (let passedMs = 0; !settled && passedMs < 200_000; passedMs += 50) await clock.advance(50);
    if (!settled) throw new Error("the call did not settle");
    return promise;
  };
  const device = await settle(UsbDevice.open(core.connect(), { clock, random: random.next }));
  state.harm = true;
  return { device, settle, state, core, random };
}

describe.skipIf(missingWasmTools.length > 0)("over a line that damages lines", () => {
  const code = (error: { readonly code?: string }) => error.code ?? String(error);

  it("an image comes to the host's roots and digests, or fails by name", async () => {
    const question = { scales: [8, 16], digestsOf: [8] };
    let right = 0;
    let damaged = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const { device, settle, state, core, random } = await connect(seed);
      const samples = Uint8Array.from({ length: 112 * 112 }, (_, i) => (i % 112) + random.below(16));
      const film = { width: 112, height: 112, samples };
      const outcome = await settle(device.image(film, question).catch(code));
      if (typeof outcome === "string") expect(outcome).toBe("DEVICE_DEADLINE");
      else expect(outcome).toEqual(await new SoftwareDevice().image(film, question));
      right += typeof outcome === "string" ? 0 : 1;
      damaged += state.damaged;
      await device.close();
      core.stop();
    }
    expect(right).toBeGreaterThan(25);
    expect(damaged).toBeGreaterThan(30);
  });

  it("digests of blocks are the host's, or there are none", async () => {
    let right = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const { device, settle, core, random } = await connect(seed);
      const blocks = Array.from({ length: 120 }, (_, i) => random.bytes(1 + (i % 90)));
      const outcome = await settle(device.hash(blocks).catch(code));
      if (typeof outcome === "string") expect(outcome).toBe("DEVICE_DEADLINE");
      else expect(outcome).toEqual(blocks.map(sha256));
      right += typeof outcome === "string" ? 0 : 1;
      await device.close();
      core.stop();
    }
    expect(right).toBeGreaterThan(25);
  });
});

it.skipIf(missingWasmTools.length > 0)(
  "twenty thousand damaged lines to and from the core give no wrong answer and leave nothing open",
  async () => {
    const report = runCampaign({ seed: 7, cases: 20_000, peer: await wasmPeer(7) });
    expect(report).toMatchObject({ wrong: 0, unsettled: 0, deaf: 0, failed: 0, answered: report.requests });
  },
);
