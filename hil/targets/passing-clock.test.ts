import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { PassingClock } from "./passing-clock.ts";

let clock = new PassingClock();
afterEach(() => {
  clock.close();
  clock = new PassingClock();
});

test("begins at 0 and goes with real time", async () => {
  expect(clock.nowMs()).toBeLessThan(1000);
  const before = clock.nowMs();
  await sleep(20);
  expect(clock.nowMs()).toBeGreaterThan(before);
});

test("does what falls due in the time left out, in order, each at its own moment", async () => {
  const startMs = clock.nowMs();
  const at: [string, number][] = [];
  const note = (name: string) => () => void at.push([name, Math.round(clock.nowMs() - startMs)]);
  clock.after(30_000, note("later"));
  clock.after(10_000, () => {
    note("first")();
    clock.after(10_000, note("set meanwhile"));
  });
  clock.after(90_000, note("not yet"));
  await clock.pass(60_000);
  expect(at).toEqual([
    ["first", 10_000],
    ["set meanwhile", 20_000],
    ["later", 30_000],
  ]);
  expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(60_000);
});

test("calls a timer once, at the moment at which it was due, and none that was cancelled", async () => {
  const startMs = clock.nowMs();
  const at: number[] = [];
  clock.after(10, () => void at.push(clock.nowMs() - startMs));
  clock.after(10, () => void at.push(-1))();
  // Keeps the timer from being called in time.
  for (const endMs = performance.now() + 30; performance.now() < endMs; );
  await sleep(20);
  expect(at.length).toBe(1);
  expect(at[0]).toBeCloseTo(10, 1);
});

test("never goes back", async () => {
  let last = 0;
  for (let i = 0; i < 200; i++) {
    clock.after(i % 5, () => {
      expect(clock.nowMs()).toBeGreaterThanOrEqual(last);
      last = clock.nowMs();
    });
    last = Math.max(last, clock.nowMs());
    if (i % 20 === 0) await clock.pass(3);
    if (i % 7 === 0) await sleep(1);
  }
});
