import { expect, test } from "vitest";
import { Silence } from "./silence.ts";
import { atPool } from "./testing/fleet-rig.ts";

test("silence counts from the last share, and not from before it should hash", () => {
  const silence = new Silence();
  expect(silence.at(10_000, atPool("a", { accepted: 1, quietMs: 3_000 }), 0).sinceMs).toBe(7_000);
  expect(silence.at(20_000, atPool("a", { accepted: 1, quietMs: 13_000 }), 0).sinceMs).toBe(7_000);
  expect(silence.at(30_000, atPool("a", { accepted: 1, quietMs: 23_000 }), 25_000).sinceMs).toBe(25_000);
  expect(silence.at(40_000, atPool("a", { accepted: 3, quietMs: 500 }), 25_000).sinceMs).toBe(39_500);
});

test("a new connection is no share", () => {
  const silence = new Silence();
  silence.at(10_000, atPool("a", { accepted: 5, quietMs: 0 }), 0);
  expect(silence.at(60_000, atPool("a", { accepted: 5, quietMs: 1_000, connections: 9 }), 0).sinceMs).toBe(10_000);
});

test("a worker that the pool has never seen, or has forgotten, is silent since it should hash or its last share", () => {
  const silence = new Silence();
  expect(silence.at(60_000, undefined, 5_000)).toEqual({
    ...{ sinceMs: 5_000, meanMs: null, difficulty: null, hashrateGhs: null },
  });
  silence.at(70_000, atPool("a", { accepted: 5, quietMs: 1_000 }), 5_000);
  expect(silence.at(80_000, undefined, 5_000).sinceMs).toBe(69_000);
  expect(silence.at(90_000, atPool("a", { accepted: 0, quietMs: 1_000 }), 5_000).sinceMs).toBe(69_000);
  expect(silence.at(95_000, atPool("a", { accepted: 1, quietMs: 2_000 }), 5_000).sinceMs).toBe(93_000);
});
