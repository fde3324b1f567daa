import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ANSWERS } from "../../device/cgminer/testing/answers.ts";
import { FakeCgminer } from "../../device/cgminer/testing/fake-cgminer.ts";
import { systemClock } from "../../device/clock.ts";
import { admitListed } from "../../device/stratum/admission.ts";
import { StratumDevice } from "../../device/stratum/stratum-device.ts";
import { FakeMiner } from "../../device/stratum/testing/fake-miner.ts";
import { STOCK } from "../../device/stratum/testing/profiles.ts";
import { healthSchema } from "../../mqtt/health-data.ts";
import { MinerFleet } from "./miner-fleet.ts";
import { atPool, FleetRig, INTERVAL_MS } from "./testing/fleet-rig.ts";

const MINUTE_MS = 60_000;
const minersSchema = healthSchema.shape.miners;

const rigs: FleetRig[] = [];

async function started(...args: Parameters<typeof FleetRig.start>): Promise<FleetRig> {
  const rig = await FleetRig.start(...args);
  rigs.push(rig);
  return rig;
}

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

describe("what health shows of a miner", () => {
  test("is its own word, flat and in units, and what the pool has verified", async () => {
    const rig = await started("v2.12");
    rig.pool = [
      atPool("lv06", {
        ...{ accepted: 12, rejected: { "low-difficulty": 2, stale: 1 }, hashrate: 441.2e9, meanShareMs: 2500 },
        ...{ bestDifficulty: 90_000, lastShareUtcMs: 5 },
      }),
    ];
    const [view] = minersSchema.parse(rig.fleet.views());
    expect(view).toMatchObject({
      ...{ worker: "lv06", kind: "axeos", simulated: false, state: "ok", alarms: [] },
      readings: {
        tempC: 58,
        powerW: 12.5,
        rejectReasons: "Job not found: 3",
        fallbackPool: false,
        firmware: "v2.12.0",
      },
      proven: { connected: true, accepted: 12, rejected: 3, hashrateGhs: 441.2, meanShareMs: 2500, lastShareUtcMs: 5 },
    });
    expect(view?.readings).not.toHaveProperty("vrTempC");
  });

  test("is unknown, never 0, where its answer makes no sense", async () => {
    const rig = await started("v2.12");
    rig.axeos.set({ temp: -1, power: "12", fanrpm: null, hashRate: 1e30, uptimeSeconds: -3, voltage: 0, ASICModel: 7 });
    await rig.clock.advance(INTERVAL_MS);
    await rig.settle();
    const [view] = minersSchema.parse(rig.fleet.views());
    for (const name of ["tempC", "powerW", "fanRpm", "hashrateGhs", "uptimeS", "inputMv", "asicModel"]) {
      expect(view?.readings).not.toHaveProperty(name);
    }
    expect(view?.readings).toMatchObject({ frequencyMhz: 485 });
    expect(view?.readings.oddityCount).toBeGreaterThan(4);
  });

  test("holds whatever the longest texts are", async () => {
    const rig = await started("v2.12");
    const reasons = Array.from({ length: 40 }, (_, i) => ({ message: `${"why ".repeat(40)}${i}`, count: i }));
    rig.axeos.set({ hostname: "n".repeat(500), sharesRejectedReasons: reasons, power_fault: "f".repeat(200) });
    await rig.clock.advance(INTERVAL_MS);
    await rig.settle();
    const [view] = minersSchema.parse(rig.fleet.views());
    expect(String(view?.readings.rejectReasons)).toHaveLength(64);
  });

  test("takes from the second address what the first no longer tells, and asks it once", async () => {
    const rig = await started("v2.10");
    rig.axeos.set({ ASICModel: undefined });
    await rig.pass(3 * INTERVAL_MS);
    expect(rig.lv06.readings.asicModel).toBe("BM1366");
    expect(rig.axeos.requests.filter(({ path }) => path === "/api/system/asic")).toHaveLength(1);
  });

  test("is nothing but its name while it does not answer, and an alarm after a minute", async () => {
    const rig = await started("v2.12");
    await rig.axeos.close();
    await rig.pass(30_000);
    expect(rig.lv06).toMatchObject({ state: "offline", readings: {}, alarms: [], proven: null });
    await rig.pass(2 * MINUTE_MS);
    expect(rig.lv06).toMatchObject({ state: "offline", alarms: ["MINER_OFFLINE"] });
    expect(rig.alarms).toMatchObject([
      { code: "MINER_OFFLINE", raised: true, device: { id: "lv06", simulated: false } },
    ]);
    expect(new Set(rig.counted)).toEqual(new Set(["AXEOS_UNREACHABLE"]));
  });

  test("covers an S9", async () => {
    const s9 = await FakeCgminer.start(ANSWERS);
    const rig = await started("v2.12", {}, [`s9://s9@127.0.0.1:${s9.port}`]);
    await vi.waitFor(() => expect(rig.fleet.views()[1]?.state).toBe("ok"));
    const view = minersSchema.parse(rig.fleet.views())[1];
    expect(view).toMatchObject({ worker: "s9", kind: "s9", readings: { tempC: 91, fanRpm: 4920, chipsMissing: 0 } });
    await s9.close();
  });
});

describe("the answers that are kept", () => {
  test("are the miner's own words without its secrets, and those of an S9", async () => {
    const base = await mkdtemp(join(tmpdir(), "fleet-"));
    const folder = join(base, "miners");
    const kept = async (name: string) => JSON.parse(await readFile(join(folder, name), "utf8"));
    const s9 = await FakeCgminer.start(ANSWERS);
    await started("v2.1.8", { folder }, [`s9://S9/1@127.0.0.1:${s9.port}`]);
    await vi.waitFor(async () => expect(await readdir(folder)).toEqual(["%539%2f1.json", "lv06.json"].sort()));
    expect(await kept("lv06.json")).toMatchObject({
      ...{ worker: "lv06", kind: "axeos", host: "127.0.0.1", simulated: false, readAtUtcMs: 1_000_000 },
      raw: { hashRate: 431.7, stratumUser: "lv06", wifiPass: "(hidden)", stratumPassword: "(hidden)" },
    });
    expect(await kept("%539%2f1.json")).toMatchObject({ kind: "s9", raw: { stats: expect.any(Array) } });
    await s9.close();
    await rm(base, { recursive: true });
  });

  test("are the ones with which an alarm came, and the last one before it fell silent", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fleet-"));
    const readAt = async () => JSON.parse(await readFile(join(folder, "lv06.json"), "utf8")).readAtUtcMs;
    const rig = await started("v2.12", { folder });
    await vi.waitFor(async () => expect(await readAt()).toBe(1_000_000));
    await rig.pass(INTERVAL_MS);
    rig.axeos.set({ temp: 80 });
    await rig.pass(INTERVAL_MS);
    await vi.waitFor(async () => expect(await readAt()).toBe(1_020_000));
    await rig.pass(INTERVAL_MS);
    rig.axeos.handler = (_, response) => response.writeHead(500).end() !== undefined;
    await rig.pass(2 * MINUTE_MS);
    expect(rig.lv06.alarms).toContain("MINER_OFFLINE");
    await vi.waitFor(async () => expect(await readAt()).toBe(1_030_000));
    await rm(folder, { recursive: true });
  });
});

describe("miners that are not in device.miners", () => {
  test("are shown with what the pool has verified, the connected ones first, 64 in all", async () => {
    const rig = await started("v2.12");
    const others = Array.from({ length: 80 }, (_, i) => atPool(`other.${i}`, { connected: i < 50 ? 0 : 1 }));
    rig.pool = [...others, atPool("x".repeat(128), { simulated: true })];
    const views = minersSchema.parse(rig.fleet.views());
    expect(views).toHaveLength(64);
    expect(views[0]?.worker).toBe("lv06");
    expect(views[1]).toMatchObject({ worker: "other.50", kind: "unknown", state: "unread", readings: {} });
    expect(views[31]).toMatchObject({ worker: "x".repeat(64), simulated: true, proven: { connected: true } });
    expect(views[32]?.proven?.connected).toBe(false);
  });

  test("come from a real pool with a real connection", async () => {
    const device = await StratumDevice.listen({
      admit: admitListed({ workers: [], simulated: ["model"] }),
      ...{ clock: systemClock, utcMs: Date.now, random: randomBytes, port: 0 },
    });
    const miner = new FakeMiner({ profile: STOCK, port: device.address?.port ?? 0, worker: "model.a" }).start();
    const around = { clock: systemClock, utcMs: Date.now, intervalMs: 1000, miners: [], folder: null };
    const listeners = { onAlarm: () => {}, onAction: () => {}, count: () => {} };
    const fleet = new MinerFleet({
      ...{
        ...around,
        ...listeners,
        idle: "keep",
        simulated: () => false,
        busy: () => false,
        pool: () => device.view(),
      },
    });
    await vi.waitFor(() => expect(fleet.views()[0]?.proven?.accepted).toBeGreaterThan(0), { timeout: 20_000 });
    expect(minersSchema.parse(fleet.views())).toMatchObject([{ worker: "model.a", kind: "unknown", simulated: true }]);
    expect(fleet.power()).toEqual([{ powerW: null, simulated: true }]);
    miner.stop();
    await device.close();
  });
});

describe("an alarm of a miner", () => {
  test("is told when it is raised and when it is cleared, and names the miner", async () => {
    const rig = await started("v2.12");
    rig.axeos.set({ temp: 80 });
    await rig.pass(INTERVAL_MS);
    expect(rig.lv06).toMatchObject({ state: "alarm", alarms: ["MINER_CHIP_HOT"] });
    rig.axeos.set({ temp: 60 });
    await rig.pass(2 * MINUTE_MS);
    expect(rig.lv06).toMatchObject({ state: "ok", alarms: [] });
    const subject = { id: "lv06", simulated: false };
    expect(rig.alarms).toMatchObject([
      { code: "MINER_CHIP_HOT", raised: true, device: subject },
      { code: "MINER_CHIP_HOT", raised: false, device: subject },
    ]);
    expect(rig.alarms[0]?.message).toMatch(/air/);
  });

  test("that it does not hash is none of ours while there is no pool to hash for", async () => {
    const rig = await started("v2.12");
    rig.axeos.set({ hashRate: 0, hashRate_10m: 0 });
    rig.pool = undefined;
    await rig.pass(5 * MINUTE_MS);
    expect(rig.lv06.alarms).toEqual([]);
    rig.pool = [atPool("lv06")];
    await rig.pass(4 * MINUTE_MS);
    expect(rig.lv06.alarms).toContain("MINER_NOT_HASHING");
  });

  test("that no share comes speaks of the silence since there was a pool, not before", async () => {
    const rig = await started("v2.12");
    const silent = () => [atPool("lv06", { meanShareMs: 2000, quietMs: 3_600_000 })];
    rig.pool = undefined;
    await rig.pass(MINUTE_MS);
    rig.pool = silent();
    await rig.pass(MINUTE_MS);
    expect(rig.lv06.alarms).toEqual([]);
    await rig.pass(2 * MINUTE_MS);
    expect(rig.lv06.alarms).toEqual(["MINER_NO_SHARE"]);
  });
});

describe("the power of those that work for the pool", () => {
  test("is what each said lately; of strangers, and of who is silent, it is not known", async () => {
    const rig = await started("v2.12");
    expect(rig.fleet.power()).toEqual([]);
    rig.pool = [atPool("lv06"), atPool("other"), atPool("gone", { connected: 0 })];
    expect(rig.fleet.power()).toEqual([
      { powerW: 12.5, simulated: false },
      { powerW: null, simulated: false },
    ]);
    rig.axeos.handler = () => true;
    await rig.pass(4 * INTERVAL_MS);
    expect(rig.fleet.power()[0]).toEqual({ powerW: null, simulated: false });
  });
});
