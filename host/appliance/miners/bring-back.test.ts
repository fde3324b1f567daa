import { expect, test } from "vitest";
import { isElsewhere, NOT_STRAYED, type Stray, type StraySight, watchStray } from "./bring-back.ts";

const MINUTE_MS = 60_000;

const STRAYED: StraySight = { nowMs: 0, listening: true, connected: false, ours: true, worksElsewhere: true };

/** Looks every minute; minutes at which a restart was due. */
function restartsIn(minutes: number, at: (minute: number) => Partial<StraySight> = () => ({})): number[] {
  let stray: Stray = NOT_STRAYED;
  const due: number[] = [];
  for (let minute = 0; minute <= minutes; minute++) {
    const sight = { ...STRAYED, nowMs: minute * MINUTE_MS, ...at(minute) };
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

test("a miner that is set to another pool is left to its owner, and the five minutes begin when it is set to ours", () => {
  expect(restartsIn(24 * 60, () => ({ ours: false }))).toEqual([]);
  expect(restartsIn(30, (minute) => ({ ours: minute >= 20 }))).toEqual([25]);
});

test("a miner that does not tell its pool is restarted once, and once more only after it has been here", () => {
  expect(restartsIn(4 * 24 * 60, () => ({ ours: null }))).toEqual([5]);
  expect(restartsIn(24 * 60, (minute) => ({ ours: null, connected: minute === 60 }))).toEqual([5, 66]);
});

test("a miner is elsewhere that says so, or that a restart did not bring back and that does not tell", () => {
  const restarted: Stray = { ...NOT_STRAYED, restarts: 1 };
  expect(isElsewhere(NOT_STRAYED, { ...STRAYED, ours: false, worksElsewhere: false })).toBe(true);
  expect(isElsewhere(restarted, { ...STRAYED, ours: null })).toBe(true);
  expect(isElsewhere(restarted, STRAYED)).toBe(false);
  expect(isElsewhere(restarted, { ...STRAYED, ours: false, connected: true })).toBe(false);
});

test("whether a miner is elsewhere is not known without a pool of ours, an answer, or a restart in vain", () => {
  const restarted: Stray = { ...NOT_STRAYED, restarts: 1 };
  expect(isElsewhere(NOT_STRAYED, { ...STRAYED, ours: false, listening: false })).toBeNull();
  expect(isElsewhere(restarted, { ...STRAYED, ours: null, worksElsewhere: false })).toBeNull();
  expect(isElsewhere(NOT_STRAYED, { ...STRAYED, ours: null })).toBeNull();
});
