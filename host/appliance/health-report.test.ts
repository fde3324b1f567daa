/** What health says of the device; the rest is shown on the running appliance (test/appliance.test.ts). */
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeviceError } from "../device/errors.ts";
import type { BridgeView } from "../device/stratum/bridge.ts";
import { FakeClock } from "../device/testing/fake-clock.ts";
import { Bench, Board } from "../device/usb/testing/bench.ts";
import { healthSchema } from "../mqtt/health-data.ts";
import type { EventData, HealthData, InfoData } from "../mqtt/messages.ts";
import { makeIdentity } from "../mqtt/topics.ts";
import type { OutboxMessage } from "../store/schema.ts";
import { ConfiguredDevice } from "./device.ts";
import type { HealthParts } from "./health-parts.ts";
import { HealthReport } from "./health-report.ts";
import { devicePart } from "./parts.ts";
import type { SealedBatch } from "./sealing/seal-batch.ts";
import type { SealingView } from "./sealing/sealing.ts";
import { Supervisor } from "./supervisor.ts";

const PORT = "/dev/ttyACM0";
const NO_SEALS: SealingView = {
  ...{ state: "none", waiting: 0, working: 0, seals: 0, sealedResults: 0 },
  head: "0".repeat(64),
};

let clock: FakeClock;
let bench: Bench;
let published: HealthData[];
let infos: InfoData[];
let offline: boolean;
/** Health that was published, or could not be. */
let looks: number;
let events: EventData[];
let device: ConfiguredDevice;
let report: HealthReport;
let refusal: string | null;
let failing: boolean | undefined;
let stepped: boolean;
let troubled: boolean;
let toReseal: number;

beforeEach(() => {
  [failing, stepped, troubled, toReseal] = [undefined, false, false, 0];
  [clock, bench, published, events] = [new FakeClock(), new Bench(), [], []];
  [infos, offline, looks] = [[], false, 0];
  refusal = null;
  const edges = { clock, parts: bench.parts };
  const config = { device: { usb: { path: PORT, baud: 115_200, id: null } } };
  device = new ConfiguredDevice(config, { onChange: (state) => report.deviceChanged(state) }, edges);
  report = new HealthReport(partsOf(device));
});

afterEach(async () => {
  report.stop();
  await device.stop();
});

/** Files in the inbox; nine are no crowd. */
let waiting = 0;

/** Parts that are well and have nothing to say, besides the device. */
function partsOf(device: ConfiguredDevice): HealthParts {
  const usb = devicePart(device);
  const stages = [{ parts: [{ name: usb.name, state: usb.state }], stopByMs: 0 }];
  const supervisor = new Supervisor({ stages, clock, utcMs: Date.now, failed: () => {} } as never);
  void supervisor.start();
  const parts = {
    config: {
      dataDir: tmpdir(),
      mqtt: { healthIntervalS: 3600 },
      store: { maxBytes: 1000 },
      ingest: { waitingMaxFiles: 9 },
    },
    version: "0.0.0",
    miners: { views: () => [], power: () => [] },
    pool: { state: "none", view: () => undefined, lastErrorCode: null },
    sealing: {
      view: () => NO_SEALS,
      troubles: { late: false, noDevice: false },
      publicKey: "0".repeat(64),
    },
    identity: makeIdentity("site", "appliance"),
    device,
    model: { state: { state: "ready", lastErrorCode: null, starts: 1 }, described: null },
    clock: {
      get stepped() {
        return stepped;
      },
      synced: () => (stepped ? false : null),
    },
    selfcheck: () => ({ view: null, failing }),
    keyId: "0123456789abcdef",
    supervisor: () => ({ views: () => supervisor.views(), troubled }),
    inbox: {
      get counts() {
        return { inFlight: 0, waiting };
      },
      trouble: null,
    },
    checker: { queued: 0 },
    store: {
      outbox: { rows: 0, bytes: 0, maxRows: 100, maxBytes: 100 },
      read: { usage: () => ({ usedBytes: 10 }), lastSequence: 7, prunedThrough: 2 },
      upkeep: {
        get toReseal() {
          return toReseal;
        },
      },
      isReplaced: false,
    },
    cache: { stats: null },
    mqtt: () => undefined,
    parked: () => 0,
    refusal: () => refusal,
    publish: async ({ topic, payload }: OutboxMessage) => {
      if (topic.endsWith("/health")) looks += 1;
      if (offline) throw new Error("no broker");
      const { data } = JSON.parse(Buffer.from(payload).toString("utf8"));
      (topic.endsWith("/info") ? infos : published).push(data);
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

test("that no new work comes in is an alarm, and an error that came several times is counted so often", async () => {
  refusal = "STORE_FULL";
  report.count("OUTBOX_AGED", 3);
  report.start();
  await vi.waitFor(() => expect(latest()?.alarms).toContain("WORK_REFUSED"));
  expect(latest()).toMatchObject({ state: "failing", modes: ["refusing-work"], errors: { OUTBOX_AGED: 3 } });
  refusal = null;
  report.digestsMismatched();
  await vi.waitFor(() => expect(latest()?.alarms).not.toContain("WORK_REFUSED"));
});

test("more files in the inbox than are meant to wait there are an alarm, until they are fewer", async () => {
  waiting = 9;
  report.start();
  await vi.waitFor(() => expect(latest()).toBeDefined());
  expect(latest()?.alarms).not.toContain("INBOX_CROWDED");
  waiting = 10;
  report.look();
  await vi.waitFor(() => expect(latest()?.alarms).toContain("INBOX_CROWDED"));
  waiting = 0;
});

test("what a check by a known answer shows, a clock that was set and a part that rests are alarms", async () => {
  const [first, second] = [new HealthReport(partsOf(device)), new HealthReport(partsOf(device))];
  report = first;
  report.start();
  await vi.waitFor(() => expect(latest()?.alarms.includes("SELFCHECK_FAILED")).toBe(false));
  report.stop();
  [failing, stepped, troubled, toReseal] = [true, true, true, 12];
  report = second;
  report.start();
  await vi.waitFor(() => expect(latest()?.state).toBe("failing"));
  expect(latest()?.alarms).toEqual(expect.arrayContaining(["CLOCK_STEPPED", "PART_RESTING", "SELFCHECK_FAILED"]));
  expect(latest()?.alarms).not.toContain("CLOCK_UNSYNCED");
  expect(latest()).toMatchObject({
    clock: { synced: false, stepped: true },
    store: { bytes: 10, maxBytes: 1000, lastSequence: 7, prunedThrough: 2 },
    encryption: { keyId: "0123456789abcdef", remaining: 12 },
  });
  expect(latest()?.modes).toEqual(expect.arrayContaining(["clock-uncertain", "not-assessing"]));
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

test("a model that comes after the broker is told of it: info is retained, and would say for ever that there is none", async () => {
  const parts = partsOf(device) as { -readonly [Name in keyof HealthParts]: HealthParts[Name] };
  report = new HealthReport(parts);
  const look = async () => {
    const before = looks;
    report.look();
    await vi.waitFor(() => expect(looks).toBeGreaterThan(before), { timeout: 5000 });
  };
  offline = true;
  await look();
  offline = false;
  // As at a connect.
  expect(report.announcement()).toHaveLength(2);
  await look();
  expect(infos).toEqual([]);
  const model = { name: "m", version: "1.0.0", digest: "0".repeat(64), pattern: "A", precision: "int8" };
  parts.model = { state: parts.model.state, described: model } as HealthParts["model"];
  offline = true;
  await look();
  offline = false;
  await look();
  await look();
  expect(infos).toMatchObject([{ model }]);
});

describe("the miners, the pool and the seals", () => {
  const hot: HealthData["miners"][number] = {
    ...{ worker: "lv06.a", kind: "axeos", simulated: false, state: "alarm", readings: { tempC: 80 }, proven: null },
    alarms: ["MINER_CHIP_HOT", "MINER_FAN"],
  };
  const seal = { seal: { device: { simulated: false } }, elapsedMs: 2000 } as SealedBatch;
  let parts: { -readonly [Name in keyof HealthParts]: HealthParts[Name] };

  const look = async () => {
    const before = published.length;
    report.start();
    await vi.waitFor(() => expect(published.length).toBeGreaterThan(before), { timeout: 5000 });
    return latest();
  };

  beforeEach(() => {
    parts = partsOf(device);
    report = new HealthReport(parts);
  });

  test("are in the message, and the miners' alarms among its own, each once and sorted", async () => {
    const view = { connections: 3, joined: 2, ends: { "closed-by-peer": 1 } } as unknown as BridgeView;
    parts.miners = { views: () => [hot, { ...hot, worker: "lv06.b" }], power: () => [] };
    parts.pool = { state: "listening", view: () => view, lastErrorCode: null };
    parts.sealing = { ...parts.sealing, view: () => ({ ...NO_SEALS, state: "working", waiting: 2, working: 2 }) };
    const health = healthSchema.parse(await look());
    expect(health).toMatchObject({
      ...{ state: "degraded", miners: [hot, { worker: "lv06.b" }] },
      pool: { state: "listening", connections: 3, joined: 2, ends: { "closed-by-peer": 1 } },
      sealing: { state: "working", waiting: 2 },
    });
    const ofMiners = health.alarms.filter((code) => code.startsWith("MINER_"));
    expect(ofMiners).toEqual(["MINER_CHIP_HOT", "MINER_FAN"]);
    expect(health.alarms).toEqual([...health.alarms].sort());
  });

  test("raise alarms of their own: a pool that cannot listen, seals that are late, no device to seal", async () => {
    parts.pool = { state: "failed", view: () => undefined, lastErrorCode: "STRATUM_LISTEN" };
    parts.sealing = { ...parts.sealing, troubles: { late: true, noDevice: true, failed: true } };
    const health = healthSchema.parse(await look());
    expect(health.alarms).toEqual(
      expect.arrayContaining(["POOL_UNAVAILABLE", "SEALING_DEVICE_ABSENT", "SEALING_FAILED", "SEALS_LATE"]),
    );
    expect(health.pool).toEqual({ state: "failed", connections: 0, joined: 0, ends: {} });
  });

  test("without any of them say nothing of a pool", async () => {
    const health = healthSchema.parse(await look());
    expect(health).not.toHaveProperty("pool");
    expect(health.sealing).toEqual(NO_SEALS);
  });

  test("a miner's alarm goes out at once, as an event that names it", () => {
    const change = { code: "MINER_FAN", message: "It stands still.", sinceUtcMs: 7 } as const;
    report.minerAlarm({ ...change, raised: true, device: { id: "lv06.a", simulated: true } });
    expect(events).toEqual([
      {
        kind: "alarm",
        ...change,
        raised: true,
        device: { id: "lv06.a", simulated: true },
        intendedUse: "research-only",
      },
    ]);
  });

  test("energy per seal is that of the real miners, where one is there", async () => {
    const real = { powerW: 12.5, simulated: false };
    parts.miners = { views: () => [], power: () => [real, { powerW: 1000, simulated: true }] };
    report.sealed(seal);
    expect((await look())?.sealing).toMatchObject({ energyPerSealJ: 25, energySimulated: false });
  });

  test("energy per seal is simulated where a model sealed, and unknown where no power is known", async () => {
    parts.miners = { views: () => [], power: () => [{ powerW: null, simulated: false }] };
    report.sealed(seal);
    expect((await look())?.sealing).not.toHaveProperty("energyPerSealJ");
    parts.miners = { views: () => [], power: () => [{ powerW: 4, simulated: true }] };
    report.sealed({ ...seal, seal: { device: { simulated: true } } } as SealedBatch);
    report.digestsMismatched();
    await vi.waitFor(() => expect(latest()?.sealing).toMatchObject({ energyPerSealJ: 8, energySimulated: true }));
  });
});
