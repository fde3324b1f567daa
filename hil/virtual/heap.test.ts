import { expect, it } from "vitest";
import { HeapWatch, heldBytes } from "./heap.ts";

/** What a watch says at the end, of what was held after so many scenarios each. */
function judged(...held: readonly (readonly [scenarios: number, bytes: number])[]): string | undefined {
  let bytes = 0;
  let last = 0;
  const watch = new HeapWatch(() => bytes);
  for (const [scenarios, now] of held) {
    bytes = now;
    last = scenarios;
    watch.played(scenarios);
  }
  return watch.judge(last);
}

it("tells memory that grows with the scenarios from what chance may hold", () => {
  expect(judged([200, 5e6], [1000, 15e6])).toBe("memory grew by 9766 KiB in 800 scenarios");
  expect(judged([200, 5e6], [1000, 6e6])).toBeUndefined();
});

it("is not deceived by what the engine throws away meanwhile", () => {
  expect(judged([200, 20e6], [400, 10e6], [700, 13e6])).toBe("memory grew by 2930 KiB in 300 scenarios");
});

it("says nothing of too few scenarios", () => {
  expect(judged([150, 5e6], [199, 50e6])).toBeUndefined();
  expect(judged([200, 5e6], [350, 50e6])).toBeUndefined();
});

it("counts what is kept, objects and buffers, and not what is garbage", () => {
  const before = heldBytes();
  let kept: unknown[] = Array.from({ length: 20_000 }, (_, i) => ({ i, chunk: new Uint8Array(64) }));
  expect(heldBytes() - before).toBeGreaterThan(1_500_000);
  expect(kept).toHaveLength(20_000);
  kept = [];
  expect(Math.abs(heldBytes() - before)).toBeLessThan(700_000);
});
