import { expect, test } from "vitest";
import { TokenBucket } from "./rate.ts";

const passed = (bucket: TokenBucket, count: number, nowMs: number) =>
  Array.from({ length: count }, () => bucket.take(nowMs)).filter(Boolean).length;

test("a burst passes at once, and then so many a second", () => {
  const bucket = new TokenBucket({ perS: 2, burst: 3 }, 0);
  expect(passed(bucket, 10, 0)).toBe(3);
  expect(passed(bucket, 10, 499)).toBe(0);
  expect(passed(bucket, 10, 500)).toBe(1);
  expect(passed(bucket, 10, 1500)).toBe(2);
});

test("a long rest allows no more than one burst", () => {
  const bucket = new TokenBucket({ perS: 2, burst: 3 }, 0);
  expect(passed(bucket, 10, 1e9)).toBe(3);
});
