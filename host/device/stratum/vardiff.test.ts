import { expect, test } from "vitest";
import { Seeded } from "../testing/seeded.ts";
import { Vardiff } from "./vardiff.ts";

const OPTIONS = { least: 256, most: 2 ** 32, shareEveryMs: 2000 };

/** Mines for `shares` shares with waits as chance has them. @returns the difficulties it went through */
function mine(vardiff: Vardiff, hashrate: number, shares: number): number[] {
  const { next } = new Seeded(7);
  const went: number[] = [];
  let nowMs = 0;
  for (let i = 0; i < shares; i++) {
    nowMs += (-Math.log(1 - next()) * vardiff.difficulty * 2 ** 32 * 1000) / hashrate;
    if (vardiff.share(nowMs)) went.push(vardiff.difficulty);
  }
  return went;
}

test("an S9 comes to a few seconds a share and stays there", () => {
  const vardiff = new Vardiff(OPTIONS, 0);
  const went = mine(vardiff, 13.5e12, 5000);
  expect(went.length).toBeLessThanOrEqual(5);
  const meanMs = (vardiff.difficulty * 2 ** 32 * 1000) / 13.5e12;
  expect(meanMs).toBeGreaterThan(2000 / 2.5);
  expect(meanMs).toBeLessThan(2000 * 2.5);
});

test("an LV06 stays at the least, at the nominal rate and at the one of the recordings", () => {
  for (const hashrate of [433.6e9, 433.6e9 / 3]) {
    const vardiff = new Vardiff(OPTIONS, 0);
    expect(mine(vardiff, hashrate, 2000)).toEqual([]);
    expect(vardiff.difficulty).toBe(256);
  }
});

test("difficulties are powers of two between the least and the most", () => {
  const vardiff = new Vardiff({ least: 2 ** -20, most: 8, shareEveryMs: 1000 }, 0);
  for (const difficulty of mine(vardiff, 1e15, 1000)) expect(Number.isInteger(Math.log2(difficulty))).toBe(true);
  expect(vardiff.difficulty).toBe(8);
});

test("a miner that became slow is asked for less, though it sends no share", () => {
  const vardiff = new Vardiff(OPTIONS, 0);
  mine(vardiff, 1e14, 200);
  const fast = vardiff.difficulty;
  let nowMs = 1e9;
  vardiff.tick(nowMs);
  for (let i = 0; i < 10; i++) {
    nowMs += 80_000;
    vardiff.tick(nowMs);
  }
  expect(vardiff.difficulty).toBeLessThan(fast);
  expect(vardiff.difficulty).toBeGreaterThanOrEqual(256);
});

test("a burst out of a buffer does not shut a miner up", () => {
  const vardiff = new Vardiff(OPTIONS, 0);
  for (let i = 0; i < 16; i++) vardiff.share(1);
  expect(vardiff.difficulty).toBeLessThanOrEqual(256 * 16);
});
