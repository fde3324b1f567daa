import { expect, test } from "vitest";
import { NOT_STRAYED, type Stray, type StraySight, watchStray } from "./bring-back.ts";

const MINUTE_MS = 60_000;

/** Looks every minute; minutes at which a restart was due. */
function restartsIn(minutes: number, at: (minute: number) => Partial<StraySight> = () => ({})): number[] {
  let stray: Stray = NOT_STRAYED;
  const due: number[] = [];
  for (let minute = 0; minute <= minutes; minute++) {
    const sight = { nowMs: minute * MINUTE_MS, listening: true, connected: false, worksElsewhere: true, ...at(minute) };
    const next = watchStray(stray, sight);
    stray = next.stray;
    if (next.restart) due.push(minute);
  }
  return due;
}

test("a miner that works elsewhere for five minutes while our pool listens is restarted", () => {
  expect(restartsIn(4)).toEqual([]);
  expect(restartsIn(6)).toEqual([5]);
});

test("a miner that is at our pool, does not hash, or has no pool to come to is left alone", () => {
  expect(restartsIn(60, () => ({ connected: true }))).toEqual([]);
  expect(restartsIn(60, () => ({ worksElsewhere: false }))).toEqual([]);
  expect(restartsIn(60, () => ({ listening: false }))).toEqual([]);
});

test("the five minutes are without a break", () => {
  expect(restartsIn(20, (minute) => ({ connected: minute % 5 === 4 }))).toEqual([]);
  expect(restartsIn(20, (minute) => ({ listening: minute % 5 !== 4 }))).toEqual([]);
});

test("a miner that came back and strays again is restarted at most every 30 minutes", () => {
  expect(restartsIn(70, (minute) => ({ connected: minute % 8 === 6 }))).toEqual([5, 36, 68]);
});

test("a miner that restarts do not bring back is restarted ever more rarely, at most once a day in the end", () => {
  const due = restartsIn(4 * 24 * 60);
  expect(due.slice(0, 4)).toEqual([5, 35, 95, 215]);
  const gaps = due.slice(1).map((minute, index) => minute - (due[index] ?? 0));
  expect(gaps.at(-1)).toBe(24 * 60);
});
