import { describe, expect, test } from "vitest";
import { meansOfQuantile, ShareTimes, togetherMs } from "./share-times.ts";

const NOMINAL_HASHES_PER_S = 500e9;
const NOMINAL_MS = (256 * 2 ** 32 * 1000) / NOMINAL_HASHES_PER_S;

describe("the expected time to a share", () => {
  test("is nominal at first: 2.2 s for a stock LV06's 500 GH/s at difficulty 256", () => {
    const times = new ShareTimes(NOMINAL_HASHES_PER_S);
    expect(times.expectedMs(256)).toBeCloseTo(NOMINAL_MS, 6);
    expect(times.expectedMs(256) / 1000).toBeCloseTo(2.2, 1);
    expect(times.expectedMs(1)).toBeCloseTo(NOMINAL_MS / 256, 6);
  });

  test("comes to what is observed: 7.1 s of a slow device", () => {
    const times = new ShareTimes(NOMINAL_HASHES_PER_S);
    for (let i = 0; i < 100; i++) times.observe({ exposureMs: 7100, shares: 1, difficulty: 256 });
    expect(times.expectedMs(256) / 7100).toBeGreaterThan(0.97);
    expect(times.expectedMs(256)).toBeLessThan(7100);
  });

  test("is the same whichever difficulty it was observed at", () => {
    const [easy, hard] = [new ShareTimes(1e9), new ShareTimes(1e9)];
    easy.observe({ exposureMs: 100, shares: 1, difficulty: 1 });
    hard.observe({ exposureMs: 25_600, shares: 1, difficulty: 256 });
    expect(easy.expectedMs(64)).toBeCloseTo(hard.expectedMs(64), 6);
  });

  test("counts time without a share, so that a device that others outrun is not taken for fast", () => {
    const times = new ShareTimes(NOMINAL_HASHES_PER_S);
    times.observe({ exposureMs: 3 * NOMINAL_MS, shares: 0, difficulty: 256 });
    expect(times.expectedMs(256)).toBeCloseTo(2.5 * NOMINAL_MS, 6);
  });

  test("forgets: a device that became slower is believed so", () => {
    const times = new ShareTimes(NOMINAL_HASHES_PER_S);
    for (let i = 0; i < 10_000; i++) times.observe({ exposureMs: 1000, shares: 1, difficulty: 256 });
    for (let i = 0; i < 600; i++) times.observe({ exposureMs: 4000, shares: 1, difficulty: 256 });
    expect(times.expectedMs(256)).toBeGreaterThan(3500);
  });

  test("is refused to rates, times and difficulties that are not above 0", () => {
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new ShareTimes(bad)).toThrow(/SEAL_POLICY/);
      const observe = (change: object) => () =>
        new ShareTimes(1e9).observe({ exposureMs: 1, shares: 1, difficulty: 1, ...change });
      expect(observe({ exposureMs: bad })).toThrow(/SEAL_POLICY/);
      expect(observe({ difficulty: bad })).toThrow(/SEAL_POLICY/);
    }
  });
});

test("devices together are as fast as their rates added, and none is none", () => {
  expect(togetherMs([1000])).toBeCloseTo(1000, 9);
  expect(togetherMs([1000, 1000])).toBeCloseTo(500, 9);
  expect(togetherMs([300, 600])).toBeCloseTo(200, 9);
  expect(togetherMs([])).toBeNull();
});

test("99.9 % of waits end within 6.9 means", () => {
  expect(meansOfQuantile(0.999)).toBeCloseTo(6.908, 3);
  expect(meansOfQuantile(0.5)).toBeCloseTo(Math.LN2, 9);
});
