import { expect, test } from "vitest";
import { caseSeed } from "./seed.ts";
import { selectCases, unknownIds } from "./select.ts";
import { toyCase } from "./testing/toys.ts";

const CASES = [
  toyCase("usb/hash/one"),
  toyCase("usb/hash/one-more", async () => {}, { level: "SHOULD" }),
  toyCase("usb/work/one", async () => {}, { level: "MAY" }),
];
const ids = (selection: Parameters<typeof selectCases>[1]) => selectCases(CASES, selection).map(({ id }) => id);

test("an id means that case, and not one that begins like it", () => {
  expect(ids({ ids: ["usb/hash/one"] })).toEqual(["usb/hash/one"]);
});

test("the beginning up to a slash means all below it, with and without the slash", () => {
  for (const id of ["usb/hash", "usb/hash/"]) expect(ids({ ids: [id] })).toEqual(["usb/hash/one", "usb/hash/one-more"]);
});

test("the beginning within a word means all that begin so, where nothing else fits", () => {
  expect(ids({ ids: ["usb/ha"] })).toEqual(["usb/hash/one", "usb/hash/one-more"]);
});

test("a star stands for anything, a dot for itself", () => {
  expect(ids({ ids: ["*/one"] })).toEqual(["usb/hash/one", "usb/work/one"]);
  expect(ids({ ids: ["usb.hash*"] })).toEqual([]);
});

test("a level means itself and what is stronger", () => {
  expect(ids({ level: "MUST" })).toEqual(["usb/hash/one"]);
  expect(ids({ level: "SHOULD" })).toEqual(["usb/hash/one", "usb/hash/one-more"]);
});

test("a pattern that no case answers to is named", () => {
  expect(unknownIds(CASES, ["usb/hash", "usb/hsah"])).toEqual(["usb/hsah"]);
});

test("a case's seed depends on the run's and on its id, and on nothing else", () => {
  expect(caseSeed(1, "usb/a")).toBe(caseSeed(1, "usb/a"));
  expect(new Set([caseSeed(1, "usb/a"), caseSeed(2, "usb/a"), caseSeed(1, "usb/b")]).size).toBe(3);
});
