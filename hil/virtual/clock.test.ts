import { expect, it } from "vitest";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { VirtualClock } from "./clock.ts";

it("fires timers in the order of their times, and of two at one time the first set", async () => {
  const clock = new VirtualClock();
  const random = new Seeded(3);
  const set = Array.from({ length: 500 }, (_, order) => ({ atMs: random.below(50), order }));
  const fired: typeof set = [];
  for (const timer of set) clock.after(timer.atMs, () => void fired.push(timer));
  await clock.run(100);
  expect(fired).toEqual([...set].sort((a, b) => a.atMs - b.atMs || a.order - b.order));
  expect(clock).toMatchObject({ pending: 0, peak: 500, fired: 500 });
});

it("forgets what was cancelled, once", async () => {
  const clock = new VirtualClock();
  let fired = 0;
  const cancel = clock.after(10, () => {
    fired += 1;
  });
  cancel();
  cancel();
  expect(clock.pending).toBe(0);
  await clock.run(20);
  expect([fired, clock.nowMs()]).toEqual([0, 20]);
});

it("stops when it is done, and lets promises settle between timers", async () => {
  const clock = new VirtualClock();
  let steps = 0;
  const step = async () => {
    await null;
    steps += 1;
    if (steps < 10) clock.after(5, () => void step());
  };
  void step();
  expect(await clock.run(1000, () => steps === 4)).toBe(true);
  expect(clock.nowMs()).toBe(15);
  expect(await clock.run(20, () => steps === 10)).toBe(false);
});

it("moves on also for a rest too small to be seen in its time", async () => {
  const clock = new VirtualClock();
  await clock.run(8245.2);
  const startMs = clock.nowMs();
  clock.after(1e-12, () => {});
  await clock.run(startMs + 1, () => clock.pending === 0);
  expect(clock.nowMs()).toBeGreaterThan(startMs);
});
