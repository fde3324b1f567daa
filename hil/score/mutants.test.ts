import { describe, expect, it } from "vitest";
import { ROOT } from "../cli/action.ts";
import { ALL_CASES } from "../cli/cases.ts";
import { isTextEdits, kindOf, PLACES, reachOf, TIERS } from "./mutant.ts";
import { CONTROL_MUTANTS } from "./mutants/control.ts";
import { MUTANTS, quickOnes } from "./mutants.ts";
import { editedTexts } from "./plant.ts";

const LEAST = 25;
const ALL = [...MUTANTS, ...CONTROL_MUTANTS];

describe("the planted defects", () => {
  it("are enough, in every place, each under an id of its own", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(LEAST);
    expect(new Set(ALL.map(({ id }) => id)).size).toBe(ALL.length);
    expect(new Set(MUTANTS.map(({ where }) => where))).toEqual(new Set(PLACES));
    for (const { id } of MUTANTS) expect(id).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
  });

  it.each(ALL.flatMap((one) => (isTextEdits(one.edits) ? [{ id: one.id, edits: one.edits }] : [])))(
    "fit the sources, each text once: $id",
    ({ id, edits }) => {
      for (const { from, to } of edits) expect(from).not.toBe(to);
      expect(() => editedTexts(ROOT, id, edits)).not.toThrow();
    },
  );

  it("name cases that there are", () => {
    const ids = new Set(ALL_CASES.map(({ id }) => id));
    expect(ALL.flatMap(({ hint }) => hint).filter((id) => !ids.has(id))).toEqual([]);
  });

  it("are expected of kinds that run what they change, or are said to survive", () => {
    for (const mutant of MUTANTS) {
      const kinds = reachOf(mutant).map(kindOf);
      expect(kinds, mutant.id).toEqual(expect.arrayContaining([...mutant.expected]));
      expect(mutant.expected.length > 0 || mutant.survives !== undefined, mutant.id).toBe(true);
    }
  });

  it("are told from controls, which nobody is to find, and of which one is run by every kind", () => {
    for (const { expected, isControl } of CONTROL_MUTANTS) expect([expected, isControl]).toEqual([[], true]);
    expect(MUTANTS.filter(({ isControl }) => isControl)).toEqual([]);
    expect(CONTROL_MUTANTS.map((one) => reachOf(one).length)).toContain(TIERS.length);
  });

  it("have one of each group for a quick look, others with another seed", () => {
    expect(quickOnes(1)).toHaveLength(11);
    expect(quickOnes(2)).toHaveLength(11);
    expect(quickOnes(2).filter((one) => quickOnes(1).includes(one))).toEqual([]);
    expect(quickOnes(1).filter(({ survives }) => survives !== undefined)).toEqual([]);
  });
});
