/** The target for hardware, on what a pseudo-terminal can show: no LV06 was ever here. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../host/device/clock.ts";
import { buildModel, missingPrograms, modelProgram } from "../../host/device/testing/firmware.ts";
import { type ModelProcess, startModel } from "../../host/device/usb/model-process.ts";
import { openSerial } from "../../host/device/usb/serial-transport.ts";
import { USB_CASES } from "../cases/usb.ts";
import type { HardwareEntry } from "../map/hardware.ts";
import { type OddPort, startOddPort } from "../map/testing/odd-port.ts";
import { openRealUsb, type RealUsbOptions } from "./real-usb.ts";

const probe = { quietMs: 20, helloMs: 900, steadyMs: 100 };
const noPorts = async () => [];
let folder: string;
let model: ModelProcess | undefined;
let odd: OddPort | undefined;

beforeAll(buildModel);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lv06-real-"));
});
afterEach(async () => {
  await model?.stop("SIGKILL");
  await odd?.stop();
  model = odd = undefined;
  await rm(folder, { recursive: true });
});

async function plug(uart = false): Promise<string> {
  model = await startModel({ program: modelProgram, seed: 7, uart, workScale: 1_058_593 });
  return model.path;
}

const open = (options: RealUsbOptions) => openRealUsb({ probe, lock: { folder }, ports: noPorts, ...options });

function entry(byId: string, device: string | null): HardwareEntry {
  const none = { usb: null, mac: null, firmware: null, present: true, notes: "" };
  return { name: "board", transport: "usb", byId, device, ...none };
}

const boundaries = caseOf("usb/hash/boundaries");

function caseOf(id: string) {
  const one = USB_CASES.find((each) => each.id === id);
  if (one === undefined) throw new Error(`no case ${id}`);
  return one;
}

async function run(id: string, options: RealUsbOptions): Promise<string | undefined> {
  const one = USB_CASES.find((each) => each.id === id);
  if (one === undefined) throw new Error(`no case ${id}`);
  const target = await open(options);
  try {
    if (!target.covers(one).runs) return "not applicable";
    const { bench, close } = await target.open(one, 7);
    try {
      await one.run(bench);
      return undefined;
    } catch (error) {
      return String(error);
    } finally {
      await close();
    }
  } finally {
    await target.close();
  }
}

describe("the target of real hardware", () => {
  it("uses a model whose port was named, and says that it is simulated", async () => {
    const target = await open({ port: await plug() });
    expect(target).toMatchObject({ kind: "real", identity: { id: "lv06-model-00000007", simulated: true } });
    await target.close();
  });

  it("does not take a model that it finds by itself for hardware", async () => {
    const path = await plug();
    await expect(open({ ports: async () => [{ path }] })).rejects.toMatchObject({ code: "RIG_SIMULATED" });
  });

  it("says at which of many ports nothing was found, and why", async () => {
    const path = await plug();
    const ports = async () => [{ path }, { path: "/dev/null" }, { path: "/dev/ttyNone" }];
    await expect(open({ ports })).rejects.toMatchObject({
      code: "DEVICE_ABSENT",
      detail: expect.stringMatching(/3 ports.*RIG_SIMULATED.*RIG_PORT_KIND.*DEVICE_ABSENT/),
    });
    await expect(open({})).rejects.toMatchObject({ code: "DEVICE_ABSENT" });
  });

  it("names a device that the map does not have", async () => {
    await expect(open({ map: [], device: "board" })).rejects.toMatchObject({ code: "DEVICE_ABSENT" });
  });

  it("gives the verdict on the port where the map has a device", async () => {
    const path = await plug();
    const ports = async () => [{ path: "/dev/null" }];
    await expect(open({ map: [entry(path, null)], ports })).rejects.toMatchObject({ code: "RIG_SIMULATED" });
  });

  it("is one run's at a time", async () => {
    const path = await plug();
    const target = await open({ port: path });
    await expect(open({ port: path })).rejects.toMatchObject({ code: "RIG_LOCKED" });
    await target.close();
    await (await open({ port: path })).close();
  });

  it.skipIf(missingPrograms("python3").length > 0)("names what sits at a port in an LV06's place", async () => {
    odd = await startOddPort("gps");
    await expect(open({ port: odd.path })).rejects.toMatchObject({ code: "RIG_NOT_LV06" });
  });

  it.each([
    "usb/hash/boundaries",
    "usb/image/film-deflated",
    "usb/work/found",
    "usb/health/uptime",
    "usb/boot/mid-batch",
    "usb/connect/ten-times",
  ])("runs the cases that the model runs: %s", async (id) => {
    expect(await run(id, { port: await plug() })).toBeUndefined();
  });

  it("runs a case again with the same seed: the search of before, whose id comes again, is gone", async () => {
    const port = await plug();
    expect(await run("usb/work/stopped", { port })).toBeUndefined();
    expect(await run("usb/work/stopped", { port })).toBeUndefined();
  });

  it("leaves a UART at 115,200 baud for the next case, whatever the last one did", async () => {
    const path = await plug(true);
    expect(await run("usb/baud/restart", { port: path })).toBeUndefined();
    const target = await open({ port: path });
    const one = USB_CASES.find(({ id }) => id === "usb/baud/there-and-back");
    if (one === undefined) throw new Error("no such case");
    const first = await target.open(one, 7);
    const line = await first.bench.connect();
    const { UsbDevice } = await import("../../host/device/usb/usb-device.ts");
    const { clock, random } = first.bench;
    expect((await UsbDevice.open(line, { clock, random, quietMs: 20 })).baud).toBe(921_600);
    // The case fails here, and its line is closed as it is.
    await first.close();
    const second = await target.open(one, 8);
    await one.run(second.bench);
    await second.close();
    await target.close();
  });

  it("does not take another device at the same port for the one that it began with", async () => {
    const link = join(folder, "port");
    model = await startModel({ program: modelProgram, seed: 7, link });
    const target = await open({ port: link });
    await expect(target.present?.()).resolves.toBeUndefined();
    await model.stop();
    model = await startModel({ program: modelProgram, seed: 8, link });
    const { bench, close } = await target.open(boundaries, 7);
    await expect(boundaries.run(bench)).rejects.toMatchObject({ message: expect.stringContaining("another device") });
    await expect(close()).rejects.toMatchObject({ code: "RIG_WRONG_DEVICE" });
    await expect(target.present?.()).rejects.toMatchObject({ code: "RIG_WRONG_DEVICE" });
    await target.close();
  });

  it("says with a code that a device hung up", async () => {
    const target = await open({ port: await plug() });
    const { bench, close } = await target.open(boundaries, 7);
    const line = await bench.connect();
    const ended = new Promise((resolve) => line.onClose(resolve));
    await model?.stop("SIGKILL");
    expect(await ended).toMatchObject({ code: "DEVICE_CLOSED" });
    await expect(line.write(Buffer.from("\n"))).rejects.toMatchObject({ code: "DEVICE_CLOSED" });
    await close();
    await target.close();
  });

  it.skipIf(missingPrograms("python3").length > 0)("is looked for at many ports at once", async () => {
    const path = await plug();
    const silent = await Promise.all(Array.from({ length: 7 }, () => startOddPort("silent")));
    try {
      const all = [...silent, { path }];
      const opened: string[] = [];
      const openLine = (port: string, baud: number) => {
        opened.push(port);
        return openSerial({ path: port, baud, clock: systemClock });
      };
      await expect(open({ ports: async () => all, probe: { ...probe, openLine } })).rejects.toMatchObject({
        detail: expect.stringMatching(/8 ports.*RIG_SIMULATED/),
      });
      // None is asked at another rate before all were asked at the first.
      expect(opened.slice(0, all.length).sort()).toEqual(all.map((port) => port.path).sort());
    } finally {
      for (const port of silent) await port.stop();
    }
  });

  it("has no crash and no plug to pull", async () => {
    expect(await run("usb/boot/crash-mid-batch", { port: await plug() })).toBe("not applicable");
    expect(await run("usb/replug/idle", { port: model?.path ?? "" })).toBe("not applicable");
  });
});
