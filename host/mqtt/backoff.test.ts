import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

const BACKOFF = { firstMs: 500, capMs: 30_000 };

test("without jitter the waits double up to the cap", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 99, 5000].map((failures) => backoffMs(BACKOFF, failures, 1 - Number.EPSILON));
  expect(waits.map(Math.round)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

test("jitter takes away at most half, and the cap holds", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (n, random) => {
        const full = backoffMs(BACKOFF, n, 1 - Number.EPSILON);
        const wait = backoffMs(BACKOFF, n, random);
        expect(wait).toBeGreaterThanOrEqual(full / 2 - 1e-6);
        expect(wait).toBeLessThanOrEqual(30_000);
      },
    ),
  );
});
