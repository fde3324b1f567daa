import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Case, Level } from "../rig/case.ts";
import { DEMANDS, type Demand } from "./coverage.ts";
import { USB_CASES } from "./usb.ts";

const SPEC = readFileSync(new URL("../../firmware-spec/SPEC.md", import.meta.url), "utf8").replaceAll(/\s+/g, " ");
const WORDS = /\b(MUST|SHOULD)\b/g;
const CASES = new Map<string, Case<"usb">>(USB_CASES.map((one) => [one.id, one]));

/** MUST and SHOULD of the text that no demand speaks of, each with what stands around it. */
function forgotten(spec: string, demands: readonly Demand[]): string[] {
  const spans = demands.map(({ says }) => ({ from: spec.indexOf(says), to: spec.indexOf(says) + says.length }));
  return [...spec.matchAll(WORDS)].flatMap(({ index }) =>
    spans.some(({ from, to }) => from <= index && index < to) ? [] : [spec.slice(index - 60, index + 60)],
  );
}

function levelOf({ says }: Demand): Level | undefined {
  const [word] = says.match(WORDS) ?? [];
  return word === "MUST" || word === "SHOULD" ? word : undefined;
}

/** The paragraph that it stands in, such as `SPEC 5.9`. */
function paragraphOf({ says }: Demand): string {
  const before = SPEC.slice(0, SPEC.indexOf(says));
  const [, number = ""] = [...before.matchAll(/ ###? (\d+(?:\.\d+)?)\.? /g)].at(-1) ?? [];
  return `SPEC ${number}`;
}

describe("the cases and SPEC.md", () => {
  it("leave no MUST and no SHOULD out", () => {
    expect(forgotten(SPEC, DEMANDS)).toEqual([]);
  });

  it("would tell a new one", () => {
    const more = `${SPEC} A device MUST be blue.`;
    expect(forgotten(more, DEMANDS)).toEqual([expect.stringContaining("A device MUST be blue.")]);
    const fewer = DEMANDS.filter(({ says }) => !says.startsWith("A terminal driver"));
    expect(forgotten(SPEC, fewer)).toHaveLength(1);
  });

  it.each(DEMANDS)("know where it is said: $says", ({ says }) => {
    expect(SPEC.split(says)).toHaveLength(2);
  });

  it.each(DEMANDS)("hold somebody to it, or say why not: $says", (demand) => {
    const { cases = [], except } = demand;
    expect(cases.length > 0 ? except : (except?.length ?? 0) > 10).toBe(cases.length > 0 ? undefined : true);
    for (const id of cases) expect(CASES.has(id), id).toBe(true);
  });

  it.each(DEMANDS.filter(({ cases }) => cases !== undefined))("name its paragraph: $says", (demand) => {
    const named = (demand.cases ?? []).flatMap((id) => CASES.get(id)?.spec ?? []);
    expect(named).toContain(paragraphOf(demand));
  });

  it.each(DEMANDS.filter(({ cases }) => cases !== undefined))("are as strict as it: $says", (demand) => {
    const levels = (demand.cases ?? []).map((id) => CASES.get(id)?.level);
    // A case of a SHOULD may fail a device that keeps every MUST: it holds nobody to a MUST.
    if (levelOf(demand) === "MUST") expect(levels).toContain("MUST");
    else expect(levels.length).toBeGreaterThan(0);
  });
});
