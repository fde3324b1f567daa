/** A short siege and a short crowd; `testing/fuzz-main.ts` and `testing/bench-main.ts` go on for as long as wanted. */
import { expect, test } from "vitest";
import { ATTACKS } from "./testing/attacks.ts";
import { runCrowd } from "./testing/crowd.ts";
import { runFuzz } from "./testing/fuzz.ts";

test("300 hostile connections break nothing, get nothing accepted, leave nothing, and disturb no miner", async () => {
  const report = await runFuzz({ seed: 20_261_122, connections: 300, width: 20, miners: 5 });
  expect(report.findings).toEqual([]);
  expect(Object.keys(report.byAttack).toSorted()).toEqual(Object.keys(ATTACKS).toSorted());
  expect(report.shares).toBeGreaterThan(0);
});

test("64 miners of all kinds share a bridge, and each is served", async () => {
  const report = await runCrowd({ miners: 64, batches: 3, forMs: 0 });
  expect(report.violations).toEqual([]);
  expect(report.rejections).toEqual([]);
  expect(report.fewest).toBeGreaterThan(0);
});
