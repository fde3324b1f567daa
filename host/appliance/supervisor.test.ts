import { beforeEach, expect, test } from "vitest";
import { FakeClock } from "../device/testing/fake-clock.ts";
import { HealthError } from "../health/errors.ts";
import { type Part, type Stage, Supervisor } from "./supervisor.ts";

let clock: FakeClock;
let done: string[];
let failures: string[];

beforeEach(() => {
  [clock, done, failures] = [new FakeClock(), [], []];
});

const part = (name: string, change: Partial<Part> = {}): Part => ({
  name,
  start: () => void done.push(`start ${name}`),
  stop: () => void done.push(`stop ${name}`),
  ...change,
});
const supervise = (...stages: Stage[]) =>
  new Supervisor({ stages, clock, utcMs: () => clock.nowMs(), failed: (name) => failures.push(name) });
const stage = (stopByMs: number, ...parts: Part[]): Stage => ({ parts, stopByMs });
const never = () => new Promise<void>(() => {});
const refusal = () => Promise.reject(new HealthError("METRICS_LISTEN", "the port is taken"));
const waits = (ms: number) => () => new Promise<void>((resolve) => void clock.after(ms, resolve));

test("parts start in order and stop by stages in the opposite one", async () => {
  const all = supervise(stage(500, part("a")), stage(400, part("b"), part("c")), stage(300, part("d")));
  await all.start();
  expect(await clock.until(all.stop())).toEqual([]);
  expect(done).toEqual(["start a", "start b", "start c", "start d", "stop d", "stop b", "stop c", "stop a"]);
});

test("an essential part that does not start ends the start, and what started is stopped", async () => {
  const all = supervise(stage(300, part("a"), part("b", { essential: true, start: refusal }), part("c")));
  await expect(all.start()).rejects.toThrow("METRICS_LISTEN");
  expect(failures).toEqual(["b"]);
  await clock.until(all.stop());
  expect(done).toEqual(["start a", "stop a", "stop b", "stop c"]);
});

test("another part that does not start is tried again, and the rest goes on", async () => {
  let tries = 0;
  const start = () => (++tries < 3 ? refusal() : undefined);
  const all = supervise(stage(300, part("metrics", { start }), part("b")));
  await all.start();
  expect(done).toEqual(["start b"]);
  expect(all.views().metrics).toMatchObject({ state: "failed", lastErrorCode: "METRICS_LISTEN", restarts: 0 });
  expect(all.troubled).toBe(true);
  await clock.advance(5_000);
  expect(tries).toBe(3);
  expect(all.views().metrics).toMatchObject({ state: "running", restarts: 2 });
  expect(all.troubled).toBe(false);
});

test("one that never starts rests between its tries: once a minute", async () => {
  let tries = 0;
  const start = () => {
    tries += 1;
    return refusal();
  };
  const all = supervise(stage(300, part("metrics", { start })));
  await all.start();
  await clock.advance(10_000);
  expect(all.views().metrics?.state).toBe("resting");
  const before = tries;
  expect(before).toBe(6);
  await clock.advance(600_000);
  expect(tries - before).toBeLessThanOrEqual(11);
  expect(tries - before).toBeGreaterThanOrEqual(9);
  await clock.until(all.stop());
  const last = tries;
  await clock.advance(600_000);
  expect(tries).toBe(last);
});

test("a part that does not stop is named, and the others are stopped within the deadline", async () => {
  const all = supervise(
    stage(5_000, part("store")),
    stage(3_000, part("hung", { stop: never })),
    stage(1_000, part("b")),
  );
  await all.start();
  const startedMs = clock.nowMs();
  expect(await clock.until(all.stop())).toEqual(["hung"]);
  expect(clock.nowMs() - startedMs).toBeLessThanOrEqual(5_010);
  expect(done).toContain("stop store");
});

test("a part that stops once what it waits for is stopped is not late", async () => {
  let release: () => void = () => {};
  const inbox = part("inbox", { stop: () => new Promise<void>((resolve) => (release = resolve)) });
  const decoder = part("decoder", { stop: () => release() });
  const all = supervise(stage(3_000, part("store")), stage(2_000, decoder), stage(1_000, inbox));
  await all.start();
  expect(await clock.until(all.stop())).toEqual([]);
  expect(clock.nowMs()).toBeLessThan(1_100);
});

test("a stage also waits for those of the stages before: nothing is closed under a part that still works", async () => {
  const inbox = part("inbox", { stop: () => waits(2_500)().then(() => void done.push("inbox done")) });
  const all = supervise(stage(5_000, part("store")), stage(4_000, part("decoder")), stage(1_000, inbox));
  await all.start();
  expect(await clock.until(all.stop())).toEqual([]);
  expect(done.slice(-3)).toEqual(["stop decoder", "inbox done", "stop store"]);
});

test("time that one stage leaves is the next one's", async () => {
  const all = supervise(stage(3_000, part("slow", { stop: waits(2_500) })), stage(1_000, part("b")));
  await all.start();
  expect(await clock.until(all.stop())).toEqual([]);
});

test("an error while stopping is told, and stops nothing else", async () => {
  const all = supervise(stage(300, part("a")), stage(200, part("b", { stop: refusal })));
  await all.start();
  expect(await clock.until(all.stop())).toEqual([]);
  expect(failures).toEqual(["b"]);
  expect(done.at(-1)).toBe("stop a");
});

test("a running part speaks for itself, and its state is as old as its word", async () => {
  let state = "idle";
  const all = supervise(stage(300, part("decoder", { state: () => ({ state, restarts: 4 }) })));
  expect(all.views().decoder).toEqual({ state: "stopped", lastErrorCode: null, restarts: 0, sinceUtcMs: 0 });
  await clock.advance(100);
  await all.start();
  expect(all.views().decoder).toEqual({ state: "idle", lastErrorCode: null, restarts: 4, sinceUtcMs: 100 });
  await clock.advance(100);
  expect(all.views().decoder?.sinceUtcMs).toBe(100);
  state = "ready";
  expect(all.views().decoder).toMatchObject({ state: "ready", sinceUtcMs: 200 });
});
