import { describe, expect, it } from "vitest";
import { ROOT } from "../cli/action.ts";
import { ALL_CASES } from "../cli/cases.ts";
import { isTextEdits, kindOf, PLACES, reachOf } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { editedTexts } from "./plant.ts";

const LEAST = 25;

describe("the planted defects", () => {
  it("are enough, in every place, each under an id of its own", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(LEAST);
    expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length);
    expect(new Set(MUTANTS.map(({ where }) => where))).toEqual(new Set(PLACES));
    for (const { id } of MUTANTS) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
  });

  it.each(MUTANTS.flatMap((one) => (isTextEdits(one.edits) ? [{ id: one.id, edits: one.edits }] : [])))(
    "fit the sources, each text once: $id",
    ({ id, edits }) => {
      for (const { from, to } of edits) expect(from).not.toBe(to);
      expect(() => editedTexts(ROOT, id, edits)).not.toThrow();
    },
  );

  it("name cases that there are", () => {
    const ids = new Set(ALL_CASES.map(({ id }) => id));
    expect(MUTANTS.flatMap(({ hint }) => hint).filter((id) => !ids.has(id))).toEqual([]);
  });

  it("are expected of kinds that run what they change, or are said to survive", () => {
    for (const mutant of MUTANTS) {
      const kinds = reachOf(mutant).map(kindOf);
      expect(kinds, mutant.id).toEqual(expect.arrayContaining([...mutant.expected]));
      expect(mutant.expected.length > 0 || mutant.survives !== undefined, mutant.id).toBe(true);
    }
  });
});
