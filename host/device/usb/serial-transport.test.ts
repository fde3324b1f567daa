/** The traps of a serial port, on a real pseudo-terminal. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { buildModel, modelProgram } from "../testing/firmware.ts";
import { type ModelProcess, startModel } from "./model-process.ts";
import { openSerial } from "./serial-transport.ts";
import { UsbDevice } from "./usb-device.ts";

const options = { clock: systemClock, random: Math.random, quietMs: 20, baud: 115_200 };
let model: ModelProcess;

beforeAll(buildModel);
afterEach(() => model.stop("SIGKILL"));

async function openModel() {
  model = await startModel({ program: modelProgram });
  return openSerial({ path: model.path, ...options });
}

describe("a serial port", () => {
  it("tells its end once, also when nothing was asked of it", async () => {
    const transport = await openModel();
    let ends = 0;
    const ended = new Promise<void>((resolve) => {
      transport.onClose(() => {
        ends += 1;
        resolve();
      });
    });
    await model.stop("SIGKILL");
    await ended;
    await transport.write(Buffer.from("x")).catch(() => {});
    await transport.close();
    expect(ends).toBe(1);
  });

  it("fails a write that a vanished device never took", async () => {
    const transport = await openModel();
    process.kill(model.pid, "SIGSTOP");
    const write = transport.write(Buffer.alloc(500_000, "x")).then(
      () => "written",
      () => "failed",
    );
    await model.stop("SIGKILL");
    expect(await write).toBe("failed");
    await transport.close();
  });

  it("closes though the device takes nothing", async () => {
    const transport = await openModel();
    process.kill(model.pid, "SIGSTOP");
    const write = transport.write(Buffer.alloc(500_000, "x")).catch(() => "failed");
    await transport.close();
    expect(await write).toBe("failed");
    await expect(transport.write(Buffer.from("x"))).rejects.toThrow("closed");
  });

  it("bears with a device that hangs for a while: the request fails at its deadline, the next is served", async () => {
    const device = await UsbDevice.open(await openModel(), options);
    process.kill(model.pid, "SIGSTOP");
    await expect(device.ping({ deadlineMs: 100 })).rejects.toMatchObject({ code: "DEVICE_DEADLINE" });
    process.kill(model.pid, "SIGCONT");
    await device.ping();
    await device.close();
  });
});
