import { expect, test } from "vitest";
import { type PopulationLimits, reasonsOutsidePopulation } from "./population.ts";
import type { Stated } from "./request.ts";

const CHILDREN: PopulationLimits = {
  ageYears: { min: 1, max: 5 },
  view: ["AP"],
  modality: ["CR", "DX"],
  bodyPart: ["CHEST"],
};

test.each<[string, Stated]>([
  ["nothing", {}],
  ["everything, as the model wants it", { ageYears: 3, view: "AP", modality: "DX", bodyPart: "CHEST" }],
  ["the first birthday", { ageYears: 1 }],
  ["the last day before the sixth birthday", { ageYears: 5.99 }],
])("%s is not outside", (_, stated) => {
  expect(reasonsOutsidePopulation(stated, CHILDREN)).toEqual([]);
});

test.each<[string, Stated, readonly string[]]>([
  ["a younger child", { ageYears: 11 / 12 }, ["POPULATION_AGE"]],
  ["an older child", { ageYears: 6 }, ["POPULATION_AGE"]],
  ["another view", { view: "PA" }, ["POPULATION_VIEW"]],
  ["another modality", { modality: "CT" }, ["POPULATION_MODALITY"]],
  ["another body part", { bodyPart: "HAND" }, ["POPULATION_BODY_PART"]],
  [
    "all of it",
    { ageYears: 45, view: "LL", modality: "MR", bodyPart: "SKULL" },
    ["POPULATION_AGE", "POPULATION_BODY_PART", "POPULATION_MODALITY", "POPULATION_VIEW"],
  ],
])("%s is outside, with its reason", (_, stated, reasons) => {
  expect(reasonsOutsidePopulation(stated, CHILDREN)).toEqual(reasons);
});

test("what the limits leave out admits everything", () => {
  const adult = { ageYears: 45, view: "PA", modality: "CR", bodyPart: "CHEST" };
  expect(reasonsOutsidePopulation(adult, { modality: ["CR"] })).toEqual([]);
  expect(reasonsOutsidePopulation(adult, null)).toEqual([]);
});
