import { beforeEach, expect, test } from "vitest";
import { ClockKeeper, type ClockKeeperParts } from "./clock-keeper.ts";

const DAY_MS = 86_400_000;

let wallMs: number;
let monotonicMs: number;
let steps: number[];

beforeEach(() => {
  [wallMs, monotonicMs, steps] = [1_700_000_000_000, 1_000, []];
});

const keeper = (change: Partial<ClockKeeperParts> = {}) =>
  new ClockKeeper({
    utcMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    stepped: (byMs) => steps.push(byMs),
    synced: () => null,
    askService: async () => null,
    ...change,
  });

function pass(ms: number, setMs = 0): void {
  monotonicMs += ms;
  wallMs += ms + setMs;
}

test("a clock that was set is told, and counts as not synchronised until it has settled", async () => {
  const clock = keeper({ synced: () => true });
  await clock.look();
  expect(clock.synced()).toBe(true);
  pass(10_000, -DAY_MS);
  await clock.look();
  expect(steps).toEqual([-DAY_MS]);
  expect(clock.stepped).toBe(true);
  expect(clock.synced()).toBe(false);
  pass(600_000);
  await clock.look();
  expect(steps).toHaveLength(1);
  expect(clock.synced()).toBe(true);
});

test("whoever asks knows of a step at once; it is told at the next look, once", async () => {
  const clock = keeper({ synced: () => true });
  await clock.look();
  pass(2_000, DAY_MS);
  expect(clock.synced()).toBe(false);
  expect(steps).toEqual([]);
  await clock.look();
  await clock.look();
  expect(steps).toEqual([DAY_MS]);
});

test("a step that nobody has looked at yet is told before the end", async () => {
  const clock = keeper();
  clock.start();
  pass(2_000, DAY_MS);
  await clock.stop();
  await clock.stop();
  expect(steps).toEqual([DAY_MS]);
});

test("the time service is asked where the files say nothing, now and then", async () => {
  let asked = 0;
  const askService = async () => {
    asked += 1;
    return true;
  };
  const clock = keeper({ askService });
  expect(clock.synced()).toBeNull();
  await clock.look();
  expect(clock.synced()).toBe(true);
  for (let look = 1; look < 12; look++) await clock.look();
  expect(asked).toBe(2);
});

test("the time service is not asked where a file says it", async () => {
  const askService = () => Promise.reject(new Error("it was asked"));
  const clock = keeper({ askService, synced: () => false });
  await clock.look();
  expect(clock.synced()).toBe(false);
});

test("this machine's own time service gives an answer, or none", async () => {
  const clock = new ClockKeeper({
    ...{ utcMs: Date.now, monotonicMs: () => performance.now() },
    stepped: () => {},
    synced: () => null,
  });
  await clock.look();
  expect([true, false, null]).toContain(clock.synced());
});
