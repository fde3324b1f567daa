import { expect, test } from "vitest";
import { ConfigSchema } from "../config/schema.ts";
import { populationOf } from "./population.ts";

const MODEL = { ageYears: { min: 1, max: 5 }, view: ["AP"], modality: ["CR", "DX"], bodyPart: ["CHEST"] };
const site = (population: object) => ConfigSchema.parse({ quality: { population } }).quality.population;

test("without a word of the site's the model's own limits hold", () => {
  expect(populationOf(MODEL, site({}))).toEqual(MODEL);
});

test("the site's words stand in the place of the model's, one by one", () => {
  const said = site({ ageYears: "0-17", view: ["AP", "PA"], bodyPart: ["any"] });
  expect(populationOf(MODEL, said)).toEqual({
    ageYears: { min: 0, max: 17 },
    view: ["AP", "PA"],
    modality: ["CR", "DX"],
    bodyPart: undefined,
  });
});

test("the site limits a model that says nothing, and can have every limit ignored", () => {
  expect(populationOf(undefined, site({ modality: ["DX"] }))).toMatchObject({ modality: ["DX"], ageYears: undefined });
  expect(populationOf(MODEL, site({ policy: "ignore", view: ["PA"] }))).toBeNull();
});

test.each(["5-1", "1-200", "1", "-1-5", "1–5", "a-b"])("the age range %j is no configuration", (ageYears) => {
  expect(() => site({ ageYears })).toThrow();
});
