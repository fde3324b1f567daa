import { expect, test } from "vitest";
import { SeenShares } from "./seen.ts";

test("shares are told apart by job and by key", () => {
  const seen = new SeenShares(10);
  seen.add("a", "1");
  expect([seen.has("a", "1"), seen.has("a", "2"), seen.has("b", "1")]).toEqual([true, false, false]);
});

test("a share noted twice counts once", () => {
  const seen = new SeenShares(10);
  seen.add("a", "1");
  seen.add("a", "1");
  expect(seen.count).toBe(1);
});

test("a full set forgets nothing and takes nothing more", () => {
  const seen = new SeenShares(2);
  for (const key of ["1", "2", "3"]) seen.add("a", key);
  expect([seen.full, seen.count, seen.has("a", "1"), seen.has("a", "3")]).toEqual([true, 2, true, false]);
});

test("forgetting a job makes room again and leaves the others", () => {
  const seen = new SeenShares(2);
  seen.add("a", "1");
  seen.add("b", "1");
  seen.forget("a");
  seen.forget("never");
  expect([seen.full, seen.count, seen.has("a", "1"), seen.has("b", "1")]).toEqual([false, 1, false, true]);
});

test("a limit that is no sane number is refused", () => {
  for (const limit of [0, -1, 1.5, 1e9, Number.NaN]) expect(() => new SeenShares(limit)).toThrow(/WORK_NUMBER/);
});
