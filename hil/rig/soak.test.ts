import { expect, test } from "vitest";
import type { CaseResult, RunReport, Verdict } from "./report.ts";
import { mergeRounds, SAMPLES_MOST } from "./soak.ts";

const result = (id: string, verdict: Verdict, latencies: readonly number[] = []): CaseResult => ({
  ...{ id, verdict, title: id, level: "MUST", spec: [], target: "model-usb", reason: null, notes: [], rerun: "" },
  latencies: { hash: latencies },
  attempts: [{ verdict: "passed", code: null, message: null, startedMs: 5, durationMs: 1, last: [] }],
});
const report = (startedUtcMs: number, ...results: readonly CaseResult[]): RunReport => ({
  ...{ version: 1, seed: 1, startedUtcMs, durationMs: 10, environment: {}, targets: [], absent: [], problems: [] },
  results,
});
const half = () => 0.5;

test("of a case the worst verdict of all rounds stays, at the time of its round", () => {
  const first = report(1000, result("a", "passed"), result("b", "failed"), result("c", "flaky"));
  const second = report(1500, result("a", "failed"), result("b", "passed"), result("c", "passed"));
  const whole = mergeRounds(first, second, half);
  expect(whole.results.map(({ verdict }) => verdict)).toEqual(["failed", "failed", "flaky"]);
  expect(whole.results[0]?.attempts[0]?.startedMs).toBe(505);
  expect(whole.durationMs).toBe(510);
});

test("latencies of all rounds are put together, bounded, and the largest stays", () => {
  const many = Array.from({ length: SAMPLES_MOST }, (_, at) => at / SAMPLES_MOST);
  const whole = mergeRounds(
    report(0, result("a", "passed", [7, ...many])),
    report(1, result("a", "passed", many)),
    half,
  );
  const kept = whole.results[0]?.latencies.hash ?? [];
  expect(kept).toHaveLength(SAMPLES_MOST);
  expect(Math.max(...kept)).toBe(7);
});

test("a result is told with the seed of its own round", () => {
  const seeded = (seed: number, ...results: readonly CaseResult[]) => ({ ...report(seed, ...results), seed });
  const whole = mergeRounds(
    seeded(7, result("a", "passed"), result("b", "failed")),
    seeded(8, result("a", "failed")),
    half,
  );
  const later = mergeRounds(whole, seeded(9, result("a", "failed"), result("c", "passed")), half);
  expect(later.results.map(({ id, seed = later.seed }) => [id, seed])).toEqual([
    ["a", 8],
    ["b", 7],
    ["c", 9],
  ]);
});
