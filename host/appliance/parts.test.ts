/** How each part is told of; that they run and stop together is shown on the whole appliance (test/supervision.test.ts). */
import { beforeEach, expect, test } from "vitest";
import { FakeClock } from "../device/testing/fake-clock.ts";
import { type Made, stagesOf } from "./parts.ts";
import { type PartViews, Supervisor } from "./supervisor.ts";

let order: string[];
/** A part in the place of a real one. */
type StandIn = Record<string, unknown>;
let made: { -readonly [Name in keyof Made]: Name extends "refusal" | "sealingErrorCode" ? Made[Name] : StandIn };

/** Parts that are well, and say when they are told something. */
beforeEach(() => {
  order = [];
  const told = (name: string, more: object = {}) => ({
    start: () => void order.push(`start ${name}`),
    stop: () => void order.push(`stop ${name}`),
    close: () => void order.push(`close ${name}`),
    ...more,
  });
  made = {
    lock: { release: () => order.push("release lock") },
    store: told("store", { outbox: { rows: 0 } }),
    cache: told("cache"),
    publishing: told("broker", {
      state: { state: "online", lastErrorCode: null, connects: 3 },
      lastErrorCode: null,
      drain: () => void order.push("drain"),
    }),
    devices: {
      usb: told("device", { state: { kind: "none" }, settled: { kind: "none" } }),
      pool: told("pool", { configured: true, state: "failed", lastErrorCode: "STRATUM_LISTEN" }),
    },
    sealing: told("sealing", { view: () => ({ state: "idle" }) }),
    sealingErrorCode: () => "SEAL_STORE",
    miners: told("miners"),
    checker: told("checker", { queued: 2 }),
    images: {
      rasteriser: told("decoder", {
        warm: () => {},
        state: { pid: 7, starts: 3, resting: false, lastErrorCode: "CHILD_CRASHED" },
      }),
      model: told("model", { get: async () => {}, state: { state: "ready", lastErrorCode: null, starts: 2 } }),
    },
    housekeeper: told("housekeeper", { lastErrorCode: "STORE_IO" }),
    kept: told("kept", { lastErrorCode: "EACCES" }),
    inbox: told("inbox", { trouble: null }),
    refusal: () => null,
    clock: told("clock", { stepped: false }),
    health: told("health"),
    selfcheck: told("selfcheck", { failing: undefined, view: null }),
    metrics: told("metrics", { name: "metrics" }),
  } as never;
});

async function running(): Promise<{ readonly all: Supervisor; readonly views: PartViews }> {
  const stages = stagesOf(made as unknown as Made);
  const all = new Supervisor({ stages, clock: new FakeClock(), utcMs: () => 1, failed: () => {} });
  await all.start();
  return { all, views: all.views() };
}

test("every part says how it is, in its own word or that it runs", async () => {
  const { views } = await running();
  expect(Object.fromEntries(Object.entries(views).map(([name, { state }]) => [name, state]))).toEqual({
    ...{ store: "running", cache: "running", broker: "online", outbox: "empty", device: "none", pool: "failed" },
    ...{ sealing: "idle", miners: "running", checker: "working", decoder: "ready", model: "ready" },
    ...{ housekeeper: "running", kept: "running", inbox: "running" },
    ...{ clock: "running", health: "running", selfcheck: "waiting", metrics: "running" },
  });
  const told = Object.entries(views).filter(([, { lastErrorCode }]) => lastErrorCode !== null);
  expect(Object.fromEntries(told.map(([name, { lastErrorCode }]) => [name, lastErrorCode]))).toEqual({
    ...{ pool: "STRATUM_LISTEN", sealing: "SEAL_STORE", decoder: "CHILD_CRASHED" },
    ...{ housekeeper: "STORE_IO", kept: "EACCES" },
  });
});

test("what was started again is counted from the first time on", async () => {
  const { views } = await running();
  const restarts = [views.broker, views.decoder, views.model].map((view) => view?.restarts);
  expect(restarts).toEqual([2, 2, 1]);
});

test("a pool and metrics that are not configured are no parts", async () => {
  made.devices = { ...made.devices, pool: { configured: false } };
  made.metrics = undefined as never;
  const { views } = await running();
  expect(views).not.toHaveProperty("pool");
  expect(views).not.toHaveProperty("metrics");
});

test("an inbox is paused while no work comes in, and failed while its folder cannot be read", async () => {
  made.refusal = () => "STORE_FULL";
  expect((await running()).views.inbox).toMatchObject({ state: "paused", lastErrorCode: "STORE_FULL" });
  made.inbox.trouble = "EACCES";
  expect((await running()).views.inbox).toMatchObject({ state: "failed", lastErrorCode: "EACCES" });
});

test("nothing comes in before all is there, and the store is closed last, its lock after it", async () => {
  const { all } = await running();
  expect(order.indexOf("start inbox")).toBeGreaterThan(order.indexOf("start sealing"));
  order = [];
  expect(await all.stop()).toEqual([]);
  const at = (word: string) => order.indexOf(word);
  expect(at("stop health")).toBeLessThan(at("stop inbox"));
  expect(at("stop inbox")).toBeLessThan(at("stop model"));
  expect(at("stop sealing")).toBeLessThan(at("drain"));
  expect(at("drain")).toBeLessThan(at("stop broker"));
  expect(at("stop broker")).toBeLessThan(at("close store"));
  expect(at("close store")).toBeLessThan(at("release lock"));
});
