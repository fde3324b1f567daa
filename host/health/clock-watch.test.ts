import { expect, test } from "vitest";
import { ClockWatch } from "./clock-watch.ts";

const DAY_MS = 86_400_000;
const WALL = 1_700_000_000_000;

function watch(): ClockWatch {
  const clock = new ClockWatch();
  clock.look(WALL, 1_000);
  return clock;
}

test("a clock that goes as it should was not set, however long nobody looked", () => {
  const clock = watch();
  expect(clock.look(WALL + 10_000, 11_000)).toBeNull();
  expect(clock.look(WALL + 30 * DAY_MS, 1_000 + 30 * DAY_MS)).toBeNull();
  expect(clock.uncertain(null, 1_000 + 30 * DAY_MS)).toBe(false);
});

test.each([DAY_MS, -DAY_MS, 5_000, -5_000])("a step of %i ms is told once", (byMs) => {
  const clock = watch();
  expect(clock.look(WALL + 10_000 + byMs, 11_000)).toBe(byMs);
  expect(clock.look(WALL + 20_000 + byMs, 21_000)).toBeNull();
});

test("a clock that is steered is not one that was set, however far it is steered", () => {
  const clock = watch();
  for (let look = 1; look < 1_000; look++) expect(clock.look(WALL + look * 10_005, 1_000 + look * 10_000)).toBeNull();
});

test("after a step times are uncertain for a day, and for ten minutes where the clock is said to be set from outside", () => {
  const clock = watch();
  clock.look(WALL - DAY_MS, 1_000);
  expect(clock.uncertain(null, 1_001)).toBe(true);
  expect(clock.uncertain(false, 1_001)).toBe(true);
  expect(clock.uncertain(true, 1_001)).toBe(true);
  expect(clock.uncertain(true, 601_001)).toBe(false);
  expect(clock.uncertain(null, 601_001)).toBe(true);
  expect(clock.uncertain(null, 1_000 + DAY_MS)).toBe(false);
});
