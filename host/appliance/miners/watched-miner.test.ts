/** What the appliance does to a miner by itself. */
import { afterEach, describe, expect, test } from "vitest";
import { atPool, FleetRig } from "./testing/fleet-rig.ts";

const MINUTE_MS = 60_000;
const rigs: FleetRig[] = [];

async function started(...args: Parameters<typeof FleetRig.start>): Promise<FleetRig> {
  const rig = await FleetRig.start(...args);
  rigs.push(rig);
  return rig;
}

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

describe("a miner at its fallback pool although ours listens", () => {
  test("is restarted after five minutes, which is told, and is no restart of its own", async () => {
    const rig = await started("v2.4");
    rig.axeos.set({ isUsingFallbackStratum: 1 });
    await rig.pass(6 * MINUTE_MS);
    expect(rig.orders).toEqual(["restart"]);
    expect(rig.actions).toMatchObject([{ miner: "lv06", action: "restart", ok: true, code: null, simulated: false }]);
    rig.axeos.set({ isUsingFallbackStratum: 0 });
    rig.pool = [atPool("lv06")];
    await rig.pass(40 * MINUTE_MS);
    expect(rig.orders).toEqual(["restart"]);
    expect(rig.alarms.map(({ code }) => code)).not.toContain("MINER_RESTARTED");
    expect(rig.lv06).toMatchObject({ state: "ok", alarms: [] });
  });

  test("may take its time to restart", async () => {
    const rig = await started("v2.4");
    rig.axeos.set({ isUsingFallbackStratum: 1, uptimeSeconds: 100_000 });
    rig.axeos.handler = (request, response) => {
      if (request.method !== "POST") return false;
      response.writeHead(200).end();
      return true;
    };
    await rig.pass(5 * MINUTE_MS);
    expect(rig.actions).toHaveLength(1);
    await rig.pass(20_000);
    rig.axeos.set({ uptimeSeconds: 3 });
    await rig.pass(2 * MINUTE_MS);
    expect(rig.alarms.map(({ code }) => code)).not.toContain("MINER_RESTARTED");
    rig.axeos.set({ uptimeSeconds: 100_000 });
    await rig.pass(20_000);
    rig.axeos.set({ uptimeSeconds: 3 });
    await rig.pass(20_000);
    expect(rig.alarms.map(({ code }) => code)).toContain("MINER_RESTARTED");
  });

  test("is left there while ours does not listen, or where ours is its fallback", async () => {
    const rig = await started("v2.4");
    rig.axeos.set({ isUsingFallbackStratum: 1 });
    rig.pool = undefined;
    await rig.pass(10 * MINUTE_MS);
    rig.pool = [atPool("lv06")];
    await rig.pass(10 * MINUTE_MS);
    expect(rig.orders).toEqual([]);
  });

  test("that cannot be restarted is told once, by its code", async () => {
    const rig = await started("v2.4");
    rig.axeos.set({ isUsingFallbackStratum: 1 });
    rig.axeos.handler = (request, response) => {
      if (request.method !== "POST") return false;
      response.writeHead(401).end();
      return true;
    };
    await rig.pass(110 * MINUTE_MS);
    expect(rig.actions).toMatchObject([{ action: "restart", ok: false, code: "AXEOS_STATUS" }]);
  });
});

test("a miner that is set to us and hashes for nobody we know is restarted too: old firmware does not say for whom", async () => {
  const rig = await started("v2.1.8");
  await rig.pass(6 * MINUTE_MS);
  expect(rig.orders).toEqual(["restart"]);
});

describe("a miner that its owner has set to another pool", () => {
  const raised = (rig: FleetRig) => rig.alarms.filter((alarm) => alarm.raised).map(({ code }) => code);

  test.each(["v2.1.8", "v2.14"] as const)("(%s) is not restarted, and named after five minutes", async (version) => {
    const rig = await started(version);
    rig.axeos.set({ stratumUser: "owner.lv06" });
    await rig.pass(4 * MINUTE_MS);
    expect(rig.alarms).toEqual([]);
    await rig.pass(2 * MINUTE_MS);
    expect(rig.lv06.alarms).toEqual(["MINER_ELSEWHERE"]);
    await rig.pass(60 * MINUTE_MS);
    expect(rig.orders).toEqual([]);
    expect(raised(rig)).toEqual(["MINER_ELSEWHERE", "MINER_NO_SHARE"]);
  });

  test("is judged by the slot that v2.15 has chosen", async () => {
    const rig = await started("v2.15");
    await rig.pass(6 * MINUTE_MS);
    expect(rig.lv06.alarms).toEqual(["MINER_ELSEWHERE"]);
    const [first, second] = rig.axeos.info.pools as Record<string, unknown>[];
    rig.axeos.set({ pools: [first, { ...second, stratumUser: "lv06" }], primaryPoolIndex: 1 });
    await rig.pass(6 * MINUTE_MS);
    expect(rig.orders).toEqual(["restart"]);
    expect(rig.lv06.alarms).not.toContain("MINER_ELSEWHERE");
  });

  test("is well again once it is paired again, without an alarm of a restart by itself", async () => {
    const rig = await started("v2.12");
    rig.axeos.set({ stratumUser: "owner.lv06", uptimeSeconds: 100_000 });
    await rig.pass(6 * MINUTE_MS);
    rig.axeos.set({ stratumUser: "lv06" });
    await rig.pass(10_000);
    rig.axeos.set({ uptimeSeconds: 3, resetReason: "Software reset via esp_restart" });
    rig.pool = [atPool("lv06")];
    await rig.pass(10_000);
    expect(rig.lv06).toMatchObject({ state: "ok", alarms: [] });
    expect(raised(rig)).toEqual(["MINER_ELSEWHERE"]);
    expect(rig.orders).toEqual([]);
  });

  test("may work for us as its second choice", async () => {
    const rig = await started("v2.14");
    rig.axeos.set({ stratumUser: "owner.lv06" });
    rig.pool = [atPool("lv06")];
    await rig.pass(20 * MINUTE_MS);
    expect(rig.alarms).toEqual([]);
  });

  test("is none that stopped for want of our pool", async () => {
    const rig = await started("v2.14");
    rig.axeos.set({ stratumUser: "owner.lv06" });
    rig.pool = undefined;
    await rig.pass(20 * MINUTE_MS);
    expect(rig.alarms).toEqual([]);
  });

  test("and does not tell is restarted once, and named when that was in vain", async () => {
    const rig = await started("v2.1.8");
    rig.axeos.set({ stratumURL: undefined, stratumUser: undefined });
    await rig.pass(6 * MINUTE_MS);
    expect([rig.orders, rig.alarms]).toEqual([["restart"], []]);
    await rig.pass(6 * MINUTE_MS);
    expect(rig.lv06.alarms).toContain("MINER_ELSEWHERE");
    await rig.pass(60 * MINUTE_MS);
    expect(rig.orders).toEqual(["restart"]);
  });
});

describe("a miner of which no valid share has come", () => {
  test("although it is connected and says that it hashes, is named after ten minutes", async () => {
    const rig = await started("v2.14");
    rig.pool = [atPool("lv06", { quietMs: 1 })];
    await rig.pass(9 * MINUTE_MS);
    expect(rig.alarms).toEqual([]);
    await rig.pass(2 * MINUTE_MS);
    expect(rig.lv06.alarms).toEqual(["MINER_NO_SHARE"]);
    rig.pool = [atPool("lv06")];
    await rig.pass(10_000);
    expect(rig.lv06.alarms).toEqual([]);
  });

  test("and that has never connected although it is set to us, is named after ten minutes that it should hash", async () => {
    const rig = await started("v2.14");
    rig.axeos.set({ hashRate: 0, hashRate_10m: 0 });
    rig.pool = undefined;
    await rig.pass(20 * MINUTE_MS);
    rig.pool = [];
    await rig.pass(9 * MINUTE_MS);
    expect(rig.lv06.alarms).not.toContain("MINER_NO_SHARE");
    await rig.pass(2 * MINUTE_MS);
    expect(rig.lv06.alarms).toContain("MINER_NO_SHARE");
  });

  test("and that connects again and again, is named too", async () => {
    const rig = await started("v2.14");
    for (let connections = 1; connections < 12; connections++) {
      rig.pool = [atPool("lv06", { connections, accepted: 5, quietMs: 10 })];
      await rig.pass(MINUTE_MS);
    }
    expect(rig.lv06.alarms).toEqual(["MINER_NO_SHARE"]);
  });

  test("is given the time that its difficulty takes", async () => {
    const rig = await started("v2.14");
    rig.pool = [atPool("lv06", { quietMs: 1, difficulty: 65_536 })];
    await rig.pass(60 * MINUTE_MS);
    expect(rig.alarms).toEqual([]);
  });

  test("is none that begins slowly, at 7.1 s a share", async () => {
    const rig = await started("v2.14");
    for (let accepted = 0; accepted < 100; accepted++) {
      const meanShareMs = accepted < 8 ? null : 7_100;
      rig.pool = [atPool("lv06", { accepted, meanShareMs, quietMs: 7_100 })];
      await rig.pass(10_000);
    }
    expect(rig.alarms).toEqual([]);
  });
});

test("a miner that stands still, or is paused by its owner, is not restarted", async () => {
  const rig = await started("v2.14");
  rig.axeos.set({ miningPaused: true });
  await rig.pass(10 * MINUTE_MS);
  rig.axeos.set({ miningPaused: false, hashRate: 0 });
  await rig.pass(10 * MINUTE_MS);
  expect(rig.orders).toEqual([]);
});

describe("idle: pause", () => {
  const pausing = (version: Parameters<typeof FleetRig.start>[0]) => started(version, { idle: "pause" });

  test("switches the chips off after five idle minutes, without an alarm, and on again at once for a batch", async () => {
    const rig = await pausing("v2.14");
    rig.pool = [atPool("lv06", { meanShareMs: 2000 })];
    await rig.pass(6 * MINUTE_MS);
    expect(rig.axeos.info.miningPaused).toBe(true);
    rig.pool = [atPool("lv06", { meanShareMs: 2000, quietMs: 20 * MINUTE_MS })];
    rig.axeos.set({ hashRate: 0, power: 2 });
    await rig.pass(20 * MINUTE_MS);
    expect(rig.alarms).toEqual([]);
    rig.busy = true;
    rig.fleet.wake();
    await rig.settle();
    expect(rig.axeos.info.miningPaused).toBe(false);
    await rig.pass(MINUTE_MS);
    expect(rig.orders).toEqual(["pause", "resume"]);
    expect(rig.actions).toMatchObject([
      { action: "pause", ok: true },
      { action: "resume", ok: true },
    ]);
    expect(rig.alarms).toEqual([]);
  });

  test("notices a batch by itself within a second", async () => {
    const rig = await pausing("v2.14");
    rig.pool = [atPool("lv06")];
    await rig.pass(6 * MINUTE_MS);
    rig.busy = true;
    await rig.clock.advance(1000);
    await rig.settle();
    expect(rig.axeos.info.miningPaused).toBe(false);
  });

  test("asks firmware that cannot once an hour, tells it once, and takes it for one that hashes", async () => {
    const rig = await pausing("v2.8");
    rig.pool = [atPool("lv06")];
    await rig.pass(70 * MINUTE_MS);
    expect(rig.orders).toEqual(["pause", "pause"]);
    expect(rig.actions).toMatchObject([{ action: "pause", ok: false, code: "AXEOS_STATUS" }]);
    rig.axeos.set({ hashRate: 0 });
    await rig.pass(4 * MINUTE_MS);
    expect(rig.lv06.alarms).toContain("MINER_NOT_HASHING");
  });

  test("restarts no miner that it has paused, be its last hashrate still shown and its connection gone", async () => {
    const rig = await pausing("v2.4");
    rig.axeos.handler = (request, response) => {
      if (request.url !== "/api/system/pause") return false;
      response.writeHead(200).end();
      return true;
    };
    rig.pool = [atPool("lv06")];
    await rig.pass(6 * MINUTE_MS);
    expect(rig.actions).toMatchObject([{ action: "pause", ok: true }]);
    rig.pool = [];
    await rig.pass(20 * MINUTE_MS);
    expect([rig.orders, rig.alarms]).toEqual([[], []]);
  });

  test("takes a pause that was answered with a fault for one that may have been taken: it is undone for a batch", async () => {
    const rig = await pausing("v2.14");
    rig.pool = [atPool("lv06")];
    rig.axeos.handler = (request, response) => {
      if (request.url !== "/api/system/pause") return false;
      response.writeHead(500).end();
      return true;
    };
    await rig.pass(5 * MINUTE_MS);
    rig.busy = true;
    await rig.pass(10_000);
    expect(rig.orders).toEqual(["resume"]);
  });

  test("leaves no miner standing still when the appliance stops", async () => {
    const rig = await pausing("v2.14");
    rig.pool = [atPool("lv06")];
    await rig.pass(6 * MINUTE_MS);
    await rig.clock.until(rig.fleet.stop());
    expect(rig.axeos.info.miningPaused).toBe(false);
    const asked = rig.axeos.requests.length;
    await rig.pass(10 * MINUTE_MS);
    expect(rig.axeos.requests).toHaveLength(asked);
  });

  test("undoes a pause that is under way when the appliance stops", async () => {
    const rig = await pausing("v2.14");
    rig.pool = [atPool("lv06")];
    rig.axeos.handler = (request) => request.url === "/api/system/pause";
    await rig.pass(6 * MINUTE_MS);
    await rig.clock.until(rig.fleet.stop());
    expect(rig.orders).toEqual(["resume"]);
  });

  test("stops in time although a miner does not answer", async () => {
    const rig = await pausing("v2.14");
    rig.pool = [atPool("lv06")];
    await rig.pass(6 * MINUTE_MS);
    rig.axeos.handler = () => true;
    const before = rig.clock.nowMs();
    await rig.clock.until(rig.fleet.stop(), 3000);
    expect(rig.clock.nowMs() - before).toBeLessThanOrEqual(2010);
  });

  test("switches a miner on for a batch that an earlier run left standing still", async () => {
    const rig = await pausing("v2.14");
    rig.axeos.set({ miningPaused: true, hashRate: 0 });
    rig.pool = [atPool("lv06")];
    await rig.pass(5 * MINUTE_MS);
    expect([rig.orders, rig.alarms]).toEqual([[], []]);
    rig.busy = true;
    await rig.pass(MINUTE_MS);
    expect(rig.orders).toEqual(["resume"]);
  });
});

test("idle: keep leaves a miner that its owner paused as it is, and says that it does not hash", async () => {
  const rig = await started("v2.14");
  rig.axeos.set({ miningPaused: true });
  rig.pool = [atPool("lv06")];
  await rig.pass(10 * MINUTE_MS);
  rig.busy = true;
  await rig.pass(MINUTE_MS);
  expect(rig.orders).toEqual([]);
  expect(rig.lv06.alarms).toEqual(["MINER_NOT_HASHING"]);
});
