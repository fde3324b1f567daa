import { beforeEach, describe, expect, test } from "vitest";
import type { LinkState } from "../device/device-link.ts";
import { DeviceError } from "../device/errors.ts";
import { FakeClock } from "../device/testing/fake-clock.ts";
import { Bench, Board } from "../device/usb/testing/bench.ts";
import { type CheckReport, DigestChecker } from "../pipeline/checker.ts";
import { ConfiguredDevice } from "./device.ts";

const PORT = "/dev/ttyACM0";
const usb = { path: PORT, baud: 115_200, id: null };

let clock: FakeClock;
let bench: Bench;
let states: LinkState["kind"][];
beforeEach(() => {
  [clock, bench, states] = [new FakeClock(), new Bench(), []];
});

function configured(change: Partial<{ path: string | null; id: string | null }> = {}): ConfiguredDevice {
  const edges = { clock, parts: bench.parts };
  const device = new ConfiguredDevice(
    { device: { usb: { ...usb, ...change } } },
    { onChange: ({ kind }) => states.push(kind) },
    edges,
  );
  device.start();
  return device;
}

/** What the checker says of images with this device, one after the other. */
function checking(device: ConfiguredDevice) {
  const reports: CheckReport[] = [];
  const checker = new DigestChecker({
    device: () => device.hashing(),
    judged: (on, judgement) => device.judged(on, judgement),
    report: (report) => reports.push(report),
    monotonicMs: () => clock.nowMs(),
  });
  const check = async (resultId: string) => {
    const settings = { scales: [{ block: 32, weight: 1 }] as const, grids: [] };
    checker.add({ resultId, reference: null, samples: new Uint8Array(224 * 224), settings });
    for (let i = 0; i < 200 && !reports.some((report) => report.resultId === resultId); i++) await clock.advance(100);
    return reports.find((report) => report.resultId === resultId);
  };
  return check;
}

describe("the configured device", () => {
  test("is none without a port and an id", async () => {
    const device = configured({ path: null });
    expect(device.state.kind).toBe("none");
    expect(device.recovery.rung).toBe("none");
    await device.stop();
  });

  test("is found by its id alone", async () => {
    bench.plug("/dev/ttyUSB3", new Board("lv06-a"));
    const device = configured({ path: null, id: "lv06-a" });
    await clock.advance(2000);
    expect(device.present()).toEqual({ kind: "usb", simulated: false, canHash: true });
    await device.stop();
  });

  test("that lies is caught, is no device any more for results and checks, and says why", async () => {
    const board = new Board("lv06-a");
    bench.plug(PORT, board);
    board.answer = (request, honest) =>
      request.verb === "HASH" ? { ...honest, args: [board.boot, "00".repeat(32)] } : honest;
    const device = configured();
    const check = checking(device);
    await clock.advance(2000);
    expect(device.present()).toBeDefined();
    expect(await check("a")).toMatchObject({ outcome: "mismatched", mismatches: 49, code: "DIGEST_MISMATCH" });
    expect(device.state.kind).toBe("distrusted");
    expect(device.present()).toBeUndefined();
    expect(device.recovery.reason).toBe("DEVICE_DISTRUSTED");
    expect(await check("b")).toMatchObject({ outcome: "not-checked", code: "DEVICE_DISTRUSTED", mismatches: 0 });
    await device.stop();
  });

  test("is heard by whoever keeps the log", async () => {
    const heard: string[] = [];
    const board = new Board("lv06-a");
    bench.plug(PORT, board);
    const edges = { clock, parts: bench.parts };
    const listeners = { onChange: () => {}, onLog: (text: string) => heard.push(text) };
    const device = new ConfiguredDevice({ device: { usb } }, listeners, edges);
    device.start();
    await clock.advance(2000);
    board.say("I (42) asic: chip found\n");
    await clock.advance(10);
    expect(heard).toEqual(["I (42) asic: chip found"]);
    await device.stop();
  });

  test("that fails three checks in a row is reset", async () => {
    const board = new Board("lv06-a");
    bench.plug(PORT, board);
    board.answer = (request, honest) =>
      request.verb === "HASH" ? { ...honest, verb: "ERR", args: [board.boot, "DEVICE", "sha", "unit"] } : honest;
    const device = configured();
    const check = checking(device);
    await clock.advance(2000);
    for (const id of ["a", "b", "c"]) expect(await check(id)).toMatchObject({ outcome: "device-failed" });
    await clock.advance(10);
    expect(board.heard).toContain("RESET");
    expect(device.recovery).toMatchObject({ rung: "reset", reason: "DEVICE_REFUSED", resets: 1 });
    await device.stop();
  });

  test("is not blamed for what it cannot do", async () => {
    bench.plug(PORT, new Board("lv06-a"));
    const device = configured();
    await clock.advance(2000);
    const on = device.current();
    if (on === undefined) throw new Error("no device");
    for (let i = 0; i < 5; i++) {
      device.judged(on, { kind: "failed", error: new DeviceError("DEVICE_LIMIT", "too large") });
    }
    expect(device.current()).toBe(on);
    await device.stop();
  });

  test("that claims work that it did not do is distrusted", async () => {
    bench.plug(PORT, new Board("lv06-a"));
    const device = configured();
    await clock.advance(2000);
    const on = device.current();
    if (on === undefined) throw new Error("no device");
    device.judged(on, { kind: "failed", error: new DeviceError("DEVICE_WORK_FALSE", "the nonce does not meet it") });
    expect(device.state.kind).toBe("distrusted");
    await device.stop();
  });
});
