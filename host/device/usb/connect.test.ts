/** Connecting to the model device, a process of its own behind a real pseudo-terminal. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { sha256 } from "../digest.ts";
import type { DeviceError } from "../errors.ts";
import { buildModel, modelProgram } from "../testing/firmware.ts";
import type { Transport } from "../transport.ts";
import { connectUsb } from "./connect.ts";
import { ConnectMemory } from "./connect-memory.ts";
import { counted } from "./counted-transport.ts";
import { type ModelProcess, startModel } from "./model-process.ts";
import { openSerial } from "./serial-transport.ts";

const timing = { clock: systemClock, random: Math.random, baud: 115_200, quietMs: 20, helloMs: 1000 };
const abc = Buffer.from("abc");
let model: ModelProcess;

beforeAll(buildModel);
afterEach(() => model.stop());

/** A second attempt, at another rate, is not made. */
function openOnce(): typeof openSerial {
  let opened = false;
  return (options) => {
    if (opened) throw new Error(`opened again, at ${options.baud} baud`);
    opened = true;
    return openSerial(options);
  };
}

describe("connectUsb", () => {
  it("raises the rate of a UART, and finds the device at that rate after the host was gone", async () => {
    model = await startModel({ program: modelProgram, seed: 7, uart: true });
    const memory = new ConnectMemory();
    let line: Transport | undefined;
    const wrap = (transport: Transport) => {
      line = transport;
      return transport;
    };
    const first = await connectUsb({ path: model.path, ...timing, memory, wrap });
    expect(first.baud).toBe(921_600);
    expect(await first.hash([abc])).toEqual([Buffer.from(sha256(abc))]);
    await line?.close();
    const second = await connectUsb({ path: model.path, ...timing, memory, wrap });
    expect(second.baud).toBe(921_600);
    expect(second.info.bootId).toBe(first.info.bootId);
    await line?.close();
    // Another process of this host remembers nothing.
    const third = await connectUsb({ path: model.path, ...timing });
    expect(third.info.bootId).toBe(first.info.bootId);
    await third.close();
  });

  it("leaves the line at the rate at which everybody looks for the device", async () => {
    model = await startModel({ program: modelProgram, seed: 7, uart: true });
    const device = await connectUsb({ path: model.path, ...timing });
    expect(device.baud).toBe(921_600);
    await device.close();
    const next = await connectUsb({ path: model.path, ...timing, parts: { openPort: openOnce() } });
    expect(next.info.bootId).toBe(device.info.bootId);
    await next.close();
  });

  it("counts what passes on the wire, both ways", async () => {
    model = await startModel({ program: modelProgram, seed: 7 });
    const wire = { sentBytes: 0, receivedBytes: 0 };
    const device = await connectUsb({ path: model.path, ...timing, wrap: (transport) => counted(transport, wire) });
    const before = { ...wire };
    await device.ping();
    // `~0001 PING 00000000` and `~0001 OK 1a2b3c4d 00000000`, with their line feeds.
    expect(wire.sentBytes - before.sentBytes).toBe(20);
    expect(wire.receivedBytes - before.receivedBytes).toBe(27);
    await device.close();
  });

  it.each([
    ["browns out", (process: ModelProcess) => process.brownOut(), "DEVICE_BROWNOUT"],
    ["crashes", (process: ModelProcess) => process.crash(), "DEVICE_CRASHED"],
  ])("hears of a device that %s, and greets it anew", async (_, happen, code) => {
    model = await startModel({ program: modelProgram, seed: 7, banner: true });
    const device = await connectUsb({ path: model.path, ...timing });
    const gone = new Promise<DeviceError>((resolve) => device.onGone(resolve));
    happen(model);
    expect((await gone).code).toBe(code);
    const again = await connectUsb({ path: model.path, ...timing });
    expect(again.info.bootId).not.toBe(device.info.bootId);
    expect((await again.health()).resetReason).toBe(code === "DEVICE_BROWNOUT" ? "brownout" : "panic");
    await again.close();
  });
});
