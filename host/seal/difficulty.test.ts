import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meetsTarget, targetOfDifficulty } from "../work/target.ts";
import { DIFFICULTY_TEXT, difficultyText, meetsDifficultyText, meetsMinimum } from "./difficulty.ts";

describe("a difficulty as text", () => {
  test("is exact, without zeros that could be left out", () => {
    const known: [number, string][] = [
      [256, "256"],
      [1000, "1000"],
      [10.5, "10.5"],
      [2 ** -14, "0.00006103515625"],
      [2 ** -32, "0.00000000023283064365386962890625"],
      [2 ** 53, "9007199254740992"],
      [2 ** 53 - 1, "9007199254740991"],
    ];
    for (const [difficulty, text] of known) expect(difficultyText(difficulty)).toBe(text);
  });

  test("is rounded down, never up, and stays of the form", () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -32, max: 2 ** 53, noNaN: true }), (difficulty) => {
        const text = difficultyText(difficulty);
        expect(text).toMatch(DIFFICULTY_TEXT);
        expect(Number(text)).toBeLessThanOrEqual(difficulty);
        expect(difficulty - Number(text)).toBeLessThan(2 ** -32);
        expect(difficultyText(Number(text))).toBe(text);
      }),
    );
  });

  test("is met by the hashes that meet its target, to the last", () => {
    for (const difficulty of [256, 0.1, 2 ** -14, 3]) {
      const text = difficultyText(difficulty);
      const last = targetOfDifficulty(Number(text)).reverse();
      expect(meetsDifficultyText(last, text)).toBe(true);
      const above = Buffer.from(last);
      above.set(
        [0xff],
        above.findIndex((byte) => byte !== 0xff),
      );
      expect(meetsTarget(above, targetOfDifficulty(Number(text)))).toBe(false);
      expect(meetsDifficultyText(above, text)).toBe(false);
    }
  });

  test("out of range is refused", () => {
    for (const bad of [0, -1, 2 ** -33, 2 ** 54, Number.NaN])
      expect(() => difficultyText(bad)).toThrow(/SEAL_DIFFICULTY/);
  });

  test("of zero is met by nothing, but a minimum of zero by everything", () => {
    expect(meetsDifficultyText(Buffer.alloc(32), "0")).toBe(false);
    expect(meetsMinimum(Buffer.alloc(32, 0xff), 0)).toBe(true);
    expect(meetsMinimum(Buffer.alloc(32, 0xff), 2 ** -14)).toBe(false);
  });
});
