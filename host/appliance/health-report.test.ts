/** What health says of the device; the rest is shown on the running appliance (test/appliance.test.ts). */
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeviceError } from "../device/errors.ts";
import { FakeClock } from "../device/testing/fake-clock.ts";
import { Bench, Board } from "../device/usb/testing/bench.ts";
import type { EventData, HealthData } from "../mqtt/messages.ts";
import { makeIdentity } from "../mqtt/topics.ts";
import { ConfiguredDevice } from "./device.ts";
import { type HealthParts, HealthReport } from "./health-report.ts";

const PORT = "/dev/ttyACM0";

let clock: FakeClock;
let bench: Bench;
let published: HealthData[];
let events: EventData[];
let device: ConfiguredDevice;
let report: HealthReport;

beforeEach(() => {
  [clock, bench, published, events] = [new FakeClock(), new Bench(), [], []];
  const edges = { clock, parts: bench.parts };
  const config = { device: { usb: { path: PORT, baud: 115_200, id: null } } };
  device = new ConfiguredDevice(config, { onChange: (state) => report.deviceChanged(state) }, edges);
  report = new HealthReport(partsOf(device));
});

afterEach(async () => {
  report.stop();
  await device.stop();
});

/** Parts that are well and have nothing to say, besides the device. */
function partsOf(device: ConfiguredDevice): HealthParts {
  const parts = {
    config: { dataDir: tmpdir(), mqtt: { healthIntervalS: 3600 } },
    version: "0.0.0",
    identity: makeIdentity("site", "appliance"),
    device,
    model: { state: { state: "ready", lastErrorCode: null, starts: 1 }, described: null },
    rasteriser: { state: { pid: 1 } },
    inbox: { counts: { inFlight: 0, waiting: 0 }, trouble: null },
    checker: { queued: 0 },
    store: { outbox: { rows: 0, bytes: 0, maxRows: 100, maxBytes: 100 } },
    cache: { stats: null },
    mqtt: () => undefined,
    publishing: () => null,
    publish: async ({ payload }: { readonly payload: Uint8Array | string }) => {
      published.push(JSON.parse(Buffer.from(payload).toString("utf8")).data);
    },
    event: (data: EventData) => events.push(data),
  };
  return parts as unknown as HealthParts;
}

const latest = () => published.at(-1);
/** Waits for these alarms of the device; disk and clock are this machine's. */
const health = (alarms: readonly string[], state: string) =>
  vi.waitFor(
    () => {
      expect(latest()?.alarms.filter((code) => /^(DEVICE|DIGEST)_/.test(code))).toEqual(alarms);
      expect(latest()?.device.state).toBe(state);
    },
    { timeout: 5000 },
  );

test("a device that lied is named: a state, an alarm, its id, and none of it passed off as present", async () => {
  const board = new Board("lv06-a");
  board.simulated = true;
  bench.plug(PORT, board);
  report.start();
  device.start();
  await clock.advance(2000);
  await health([], "ready");
  const on = device.current();
  if (on === undefined) throw new Error("no device");
  device.judged(on, { kind: "lied" });
  report.digestsMismatched();
  await health(["DEVICE_DISTRUSTED", "DIGEST_MISMATCH"], "distrusted");
  expect(latest()).toMatchObject({
    state: "degraded",
    parts: { device: { state: "distrusted", lastErrorCode: "DEVICE_DISTRUSTED" } },
    device: { kind: "none", id: "lv06-a", simulated: true, readings: {}, recovery: { reason: "DEVICE_DISTRUSTED" } },
  });
  const told = events.filter((event) => event.kind === "alarm" && event.code === "DEVICE_DISTRUSTED");
  expect(told).toMatchObject([{ raised: true, device: { id: "lv06-a", simulated: true } }]);
  // It is looked for again after five minutes, and for that moment neither the alarm nor the reason goes away.
  for (let i = 0; i < 3010; i++) {
    await clock.advance(100);
    expect(device.hashing()).toBe("DEVICE_DISTRUSTED");
  }
  expect(device.state.kind).not.toBe("ready");
});

test("a device that does not come back is left alone for a while, and the alarm stays", async () => {
  const board = new Board("lv06-a");
  board.answer = () => undefined;
  bench.plug(PORT, board);
  report.start();
  device.start();
  for (let i = 0; i < 120; i++) await clock.advance(1000);
  await health(["DEVICE_ABSENT"], "resting");
  expect(latest()?.parts.device).toMatchObject({ state: "resting", lastErrorCode: "DEVICE_NO_HELLO" });
  expect(latest()?.device.recovery).toEqual({ rung: "rest", reason: "DEVICE_NO_HELLO", failures: 6, resets: 3 });
});

test("another device in the place of one that lied ends both alarms", async () => {
  bench.plug(PORT, new Board("lv06-a"));
  report.start();
  device.start();
  await clock.advance(2000);
  const on = device.current();
  if (on === undefined) throw new Error("no device");
  device.judged(on, { kind: "failed", error: new DeviceError("DEVICE_WORK_FALSE", "the nonce does not meet it") });
  report.digestsMismatched();
  await health(["DEVICE_DISTRUSTED", "DIGEST_MISMATCH"], "distrusted");
  bench.unplug(PORT);
  bench.plug(PORT, new Board("lv06-b"));
  await clock.advance(5000);
  await health([], "ready");
  expect(latest()?.device).toMatchObject({ id: "lv06-b", simulated: false });
  // What is cleared is what was raised: the alarm was the first device's.
  expect(events).toContainEqual(
    expect.objectContaining({ code: "DEVICE_DISTRUSTED", raised: false, device: { id: "lv06-a", simulated: false } }),
  );
});
