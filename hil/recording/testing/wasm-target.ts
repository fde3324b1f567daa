/** The C core in this process under a clock that stands still unless somebody waits: a target for tests. Simulated. */

import { CAPABILITIES } from "../../../host/device/device.ts";
import { FakeClock } from "../../../host/device/testing/fake-clock.ts";
import { missingWasmTools } from "../../../host/device/testing/firmware.ts";
import { WasmDevice, type WasmDeviceOptions } from "../../../host/device/testing/wasm-device.ts";
import { WasmModule } from "../../../host/device/testing/wasm-device-module.ts";
import { UsbDevice } from "../../../host/device/usb/usb-device.ts";
import type { Ability } from "../../rig/bench.ts";
import type { Target } from "../../rig/target.ts";
import { liveBench } from "../../targets/live-bench.ts";

const HELLO_MS = 10_000;
const CAN: readonly Ability[] = ["restart", "crash", "replug", "rate", "work-scale"];

export { missingWasmTools };

export type WasmTargetOptions = Omit<WasmDeviceOptions, "clock"> & {
  /** What becomes of what the device says. */
  readonly toHost?: WasmDevice["toHost"];
};

export async function wasmTarget({ toHost, ...options }: WasmTargetOptions = {}): Promise<Target<"usb">> {
  const module = await WasmModule.build();
  const firmware = await firmwareOf(module);
  return {
    name: "wasm-usb",
    kind: "model",
    transport: "usb",
    identity: { id: "lv06-model", firmware, simulated: true, capabilities: new Set(CAPABILITIES) },
    covers: () => ({ runs: true }),
    open: async (_, seed) => {
      const clock = new FakeClock();
      const device = new WasmDevice(module, { clock, seed, ...options });
      if (toHost !== undefined) device.toHost = toHost;
      const opened = liveBench({
        ...{ target: "model", can: new Set(CAN), seed, clock },
        device: {
          connect: async () => device.connect(),
          act: async (ability) => {
            if (ability === "replug") device.unplug();
            else device.reboot(ability === "restart" ? "brownout" : "panic");
          },
          close: async () => device.stop(),
        },
      });
      const { bench } = opened;
      const settle: typeof bench.settle = (work, deadlineMs) =>
        clock.until(bench.settle(work, deadlineMs), 2 * deadlineMs);
      return { ...opened, bench: { ...bench, settle } };
    },
    close: async () => {},
  };
}

/** As its HELLO says. */
async function firmwareOf(module: WasmModule): Promise<string> {
  const clock = new FakeClock();
  const device = new WasmDevice(module, { clock, seed: 0 });
  const opening = UsbDevice.open(device.connect(), { clock, random: () => 0.5, quietMs: 20, climb: false });
  const { info } = await clock.until(opening, HELLO_MS);
  device.stop();
  return info.firmware;
}
