import { expect, test } from "vitest";
import { configure } from "./negotiate.ts";

const rolling = (options: object) => configure([["version-rolling"], options]);

test("a miner that asks for all bits gets those of BIP 320", () => {
  expect(rolling({ "version-rolling.mask": "ffffffff" })).toEqual({
    result: { "version-rolling": true, "version-rolling.mask": "1fffe000" },
    versionMask: 0x1fffe000,
  });
  expect(rolling({}).versionMask).toBe(0x1fffe000);
});

test("an S9 gets the two bits that it asks for", () => {
  const asked = { "version-rolling.mask": "00c00000", "version-rolling.min-bit-count": 2 };
  expect(rolling(asked)).toMatchObject({ versionMask: 0x00c00000, result: { "version-rolling.mask": "00c00000" } });
});

test("a miner that needs more bits than it may have gets none, and is told", () => {
  const asked = { "version-rolling.mask": "00c00000", "version-rolling.min-bit-count": 3 };
  expect(rolling(asked)).toEqual({ result: { "version-rolling": false } });
  expect(rolling({ "version-rolling.mask": "e0000fff" })).toEqual({ result: { "version-rolling": false } });
});

test("every extension is answered, unknown ones with no", () => {
  expect(configure([["minimum-difficulty", "subscribe-extranonce"], { "minimum-difficulty.value": 2048 }])).toEqual({
    result: { "minimum-difficulty": false, "subscribe-extranonce": true },
  });
});

test("anything else is no negotiation", () => {
  for (const params of [[], [null], [3, 4], [{}], [["version-rolling"], { "version-rolling.mask": 7 }]]) {
    expect(configure(params).versionMask).toBeUndefined();
  }
  for (const mask of ["xyz", "0x1fffe000", "-1", "1fffe00000"]) {
    expect(rolling({ "version-rolling.mask": mask }).versionMask).toBeUndefined();
  }
  expect(rolling({ "version-rolling.min-bit-count": "many" }).versionMask).toBeUndefined();
  expect(Object.keys(configure([Array.from({ length: 99 }, (_, i) => `x${i}`)]).result).length).toBe(8);
});
