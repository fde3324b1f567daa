import { expect, test } from "vitest";
import { Seeded } from "../testing/seeded.ts";
import { ShareTimes } from "./share-times.ts";

test("nothing is said after fewer than 8 shares", () => {
  const times = new ShareTimes();
  for (let i = 0; i < 7; i++) times.add(7100, 256);
  expect([times.meanMs(256), times.hashrate]).toEqual([null, null]);
  times.add(7100, 256);
  expect(times.meanMs(256)).toBeCloseTo(7100, 6);
});

test("the rate comes out right over shares of different difficulties", () => {
  const { next } = new Seeded(3);
  const times = new ShareTimes();
  for (let i = 0; i < 2000; i++) {
    const difficulty = i % 3 === 0 ? 1024 : 256;
    times.add((-Math.log(1 - next()) * difficulty * 2 ** 32 * 1000) / 433.6e9, difficulty);
  }
  expect(times.hashrate).toBeGreaterThan(433.6e9 * 0.6);
  expect(times.hashrate).toBeLessThan(433.6e9 * 1.6);
});

test("it follows a miner that slowed down", () => {
  const times = new ShareTimes();
  for (let i = 0; i < 500; i++) times.add(2500, 256);
  for (let i = 0; i < 500; i++) times.add(7100, 256);
  expect(times.meanMs(256)).toBeGreaterThan(7000);
});

test("shares without any wait give no rate", () => {
  const times = new ShareTimes();
  for (let i = 0; i < 8; i++) times.add(0, 1);
  expect(times.hashrate).toBeNull();
});

test("a pause of hours counts as one long wait, and is soon forgotten", () => {
  const times = new ShareTimes();
  for (let i = 0; i < 100; i++) times.add(2500, 256);
  times.add(8 * 3_600_000, 256);
  expect(times.meanMs(256)).toBeLessThan(1.5 * 2500);
});
