/** The traps of a serial port, on a real pseudo-terminal. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { buildModel, modelProgram } from "../testing/firmware.ts";
import type { ModemLines } from "../transport.ts";
import { clearHangUp } from "./hang-up.ts";
import { type ModelProcess, startModel } from "./model-process.ts";
import { pulseReset } from "./reset-line.ts";
import { HangUpPort } from "./serial-port.ts";
import { openSerial } from "./serial-transport.ts";
import { UsbDevice } from "./usb-device.ts";

const options = { clock: systemClock, random: Math.random, quietMs: 20, baud: 115_200 };
let model: ModelProcess;

beforeAll(buildModel);
afterEach(() => model.stop("SIGKILL"));

/** The port's settings as another program sees them. */
async function settings(): Promise<string> {
  return (await promisify(execFile)("stty", ["-F", model.path, "-a"])).stdout;
}

beforeEach(async () => {
  model = await startModel({ program: modelProgram });
});

function openModel() {
  return openSerial({ path: model.path, ...options });
}

describe("a serial port", () => {
  it("tells its end once, also when nothing was asked of it", async () => {
    const transport = await openModel();
    let ends = 0;
    const ended = new Promise<Error>((resolve) => {
      transport.onClose((reason) => {
        ends += 1;
        resolve(reason);
      });
    });
    await model.stop("SIGKILL");
    expect((await ended).message).toBe("the device hung up");
    await transport.write(Buffer.from("x")).catch(() => {});
    await transport.close();
    expect(ends).toBe(1);
  });

  it("drains only when what was written has left", async () => {
    await model.stop();
    model = await startModel({ program: modelProgram, baud: 115_200 });
    const port = new HangUpPort({ path: model.path, baudRate: 115_200, autoOpen: false });
    await new Promise<void>((resolve) => port.open(() => resolve()));
    const order: string[] = [];
    // More than the terminal's buffer holds: the model takes two seconds over it.
    const written = new Promise<void>((resolve) => {
      port.write(Buffer.alloc(24_000, "x"), () => {
        order.push("written");
        resolve();
      });
    });
    const drained = port.port?.drain().then(() => order.push("drained"));
    await Promise.all([written, drained]);
    expect(order[0]).toBe("written");
    await new Promise<void>((resolve) => port.close(() => resolve()));
  });

  it("reads while a write waits for room", async () => {
    await model.stop();
    model = await startModel({ program: modelProgram, baud: 9600 });
    const transport = await openModel();
    const heard = new Promise<void>((resolve) => {
      transport.onChunk((chunk) => String(chunk).includes("LV06 direct") && resolve());
    });
    let write = "pending";
    const over = transport.write(Buffer.from(`?\n${"x".repeat(500_000)}`)).then(
      () => {
        write = "written";
      },
      () => {
        write = "failed";
      },
    );
    await heard;
    expect(write).toBe("pending");
    await model.stop("SIGKILL");
    await over;
    expect(write).toBe("failed");
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

  it("is this program's alone: a second opening is refused, also by this program, until it is closed", async () => {
    const transport = await openModel();
    const again = () => openSerial({ path: model.path, ...options });
    await expect(again()).rejects.toMatchObject({ code: "DEVICE_OPEN" });
    await transport.close();
    await (await again()).close();
  });

  it("changes its rate while it is open, and stays readable", async () => {
    const transport = await openModel();
    expect(await settings()).toMatch(/^speed 115200 baud/);
    await transport.setRate(921_600);
    expect(await settings()).toMatch(/^speed 921600 baud/);
    const device = await UsbDevice.open(transport, options);
    await device.ping();
    await device.close();
    await expect(transport.setRate(115_200)).rejects.toThrow("closed");
  });

  it("keeps the lines up when it is closed: HUPCL is cleared, which a change of rate leaves so", async () => {
    const port = new HangUpPort({ path: model.path, baudRate: 115_200, hupcl: true, autoOpen: false });
    await new Promise((resolve) => port.open(resolve));
    expect(await settings()).toMatch(/ hupcl/);
    await new Promise((resolve) => port.close(resolve));
    // The stock way leaves the flag as it finds it.
    const transport = await openSerial({ path: model.path, ...options });
    expect(transport.staysUpOnClose).toBe(true);
    expect(await settings()).toMatch(/-hupcl/);
    await transport.setRate(460_800);
    expect(await settings()).toMatch(/-hupcl/);
    await transport.close();
  });

  it("says so where HUPCL cannot be cleared, and can be used all the same", async () => {
    const port = new HangUpPort({ path: model.path, baudRate: 115_200, autoOpen: false });
    await new Promise((resolve) => port.open(resolve));
    expect(await clearHangUp(port.fd ?? -1, systemClock, "/nowhere/stty")).toBe(false);
    const flags = readFileSync(`/proc/self/fdinfo/${port.fd}`, "latin1");
    // Reading would hold a thread for ever if clearing had made the port blocking.
    expect(Number.parseInt(/flags:\s*(\d+)/.exec(flags)?.[1] ?? "", 8) & 0o4000).toBe(0o4000);
    await new Promise((resolve) => port.close(resolve));
  });

  it("is held by nobody else once clearing HUPCL was given up", async () => {
    const port = new HangUpPort({ path: model.path, baudRate: 115_200, autoOpen: false });
    await new Promise((resolve) => port.open(resolve));
    const folder = mkdtempSync(join(tmpdir(), "lv06-stty-"));
    const [stuck, pid] = [join(folder, "stty"), join(folder, "pid")];
    writeFileSync(stuck, `#!/bin/sh\necho $$ > ${pid}\nexec sleep 60\n`, { mode: 0o700 });
    expect(await clearHangUp(port.fd ?? -1, systemClock, stuck)).toBe(false);
    // Killed but not yet gone it would hold the lock.
    expect(() => process.kill(Number(readFileSync(pid, "latin1")), 0)).toThrow("ESRCH");
    await new Promise((resolve) => port.close(resolve));
    rmSync(folder, { recursive: true });
  });

  it("has no reset line on a pseudo-terminal, and names that", async () => {
    const transport = await openModel();
    await expect(transport.resetBoard()).rejects.toMatchObject({ code: "DEVICE_UNSUPPORTED" });
    await transport.close();
  });
});

describe("the reset line", () => {
  it("is pulled and released with IO0 released throughout, so that the board starts its own firmware", async () => {
    const clock = new FakeClock();
    const seen: [number, ModemLines][] = [];
    const pulse = pulseReset(async (lines) => void seen.push([clock.nowMs(), lines]), clock);
    await clock.advance(1000);
    await pulse;
    expect(seen).toEqual([
      [0, { dtr: false, rts: true }],
      [200, { dtr: false, rts: false }],
    ]);
  });
});
