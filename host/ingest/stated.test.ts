import { expect, test } from "vitest";
import { readStated } from "./stated.ts";

test.each<[unknown, number | undefined]>([
  [3, 3],
  [0, 0],
  [4.5, 4.5],
  ["3", 3],
  [" 004Y ", 4],
  ["4y", 4],
  ["018M", 1.5],
  ["012M", 1],
  ["060M", 5],
  ["365D", 1],
  ["026W", 182 / 365],
  ["", undefined],
  [null, undefined],
  [undefined, undefined],
])("the age %j is %j years", (age, years) => {
  expect(readStated({ age }).ageYears).toBe(years);
});

test.each([-1, 151, "999Y", "four", "4 years", "004X", "0x3", "1e1", Number.NaN, true, [3], { years: 3 }])(
  "the age %j is refused, and not repeated",
  (age) => {
    expect(() => readStated({ age })).toThrow(/^age is neither .* DICOM's form, such as 004Y or 018M$/);
  },
);

test("words are taken as DICOM writes them, whatever the case", () => {
  expect(readStated({ view: "ap", modality: " DX ", bodyPart: "chest" })).toEqual({
    ageYears: undefined,
    view: "AP",
    modality: "DX",
    bodyPart: "CHEST",
  });
});

test.each(["view", "modality", "bodyPart"] as const)("a %s that is no word is refused by its name", (field) => {
  for (const wrong of ["A/P", "x".repeat(17), 7.5, ["AP"], false]) {
    expect(() => readStated({ [field]: wrong })).toThrow(new RegExp(`^${field} is no word`));
  }
});
