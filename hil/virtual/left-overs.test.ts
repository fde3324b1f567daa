import { expect, it } from "vitest";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { missingWasmTools } from "../../host/device/testing/firmware.ts";
import { WasmDevice } from "../../host/device/testing/wasm-device.ts";
import { VirtualClock } from "./clock.ts";
import { CorePool } from "./cores.ts";
import { LeftOvers } from "./left-overs.ts";

const frame = (verb: string, ...args: string[]) => encodeFrame({ seq: 1, verb, args });
const NEW = frame("IMAGE", "NEW", "0000000a", "4", "4");
const START = frame("WORK", "START", "0000000b", "00".repeat(80), "00".repeat(32), "00000000", "60000");

it.skipIf(missingWasmTools.length > 0)(
  "a device that has restarted knows nothing, at any rate of the line",
  async () => {
    for (const uart of [false, true]) {
      const device = new WasmDevice(await CorePool.build(), { clock: new VirtualClock(), uart });
      const line = device.connect();
      const leftOvers = new LeftOvers();
      for (const bytes of [NEW, START]) {
        leftOvers.heard(bytes);
        await line.write(bytes);
      }
      // It still knows both: this is what a leak looks like.
      leftOvers.look(device);
      expect(leftOvers.found.join("\n")).toMatch(
        /^IMAGE NEW 0000000a .* MISSING 0 .*\nWORK START 0000000b .* running /s,
      );
      await line.setRate?.(921_600);
      device.reboot("panic");
      leftOvers.look(device);
      expect(leftOvers.found).toHaveLength(2);
      device.stop();
    }
  },
);

it("asks for nothing that no device was given", () => {
  const leftOvers = new LeftOvers();
  leftOvers.heard(frame("IMAGE", "ROOTS", "0000000a", "4"));
  leftOvers.look({ ask: () => expect.unreachable() });
  expect(leftOvers.found).toEqual([]);
});
