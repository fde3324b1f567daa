import { expect, test } from "vitest";
import type { Level } from "../rig/case.ts";
import type { CaseResult, Verdict } from "../rig/report.ts";
import { conformanceOf } from "./conformance.ts";
import { sampleReport } from "./testing/sample.ts";

const [target] = sampleReport().targets;
const [sample] = sampleReport().results;

type Cases = readonly (readonly [Level, Verdict])[];

function conformityOf(...cases: Cases) {
  return scored(cases, false);
}

function scored(cases: Cases, partial: boolean) {
  if (target === undefined || sample === undefined) throw new Error("an empty sample");
  const results: CaseResult[] = cases.map(([level, verdict]) => ({ ...sample, level, verdict }));
  const [one] = conformanceOf({ targets: [target], results, partial });
  return one;
}

test("a target conforms when every MUST that applies held, whatever SHOULD and MAY did", () => {
  const one = conformityOf(["MUST", "passed"], ["MUST", "not-applicable"], ["SHOULD", "failed"], ["MAY", "missing"]);
  expect(one?.conformity).toBe("conforming");
  expect(one?.scores).toEqual({ MUST: { held: 1, of: 1 }, SHOULD: { held: 0, of: 1 }, MAY: { held: 0, of: 1 } });
});

test("a MUST that is missing or flaky is not shown, one that failed is against it", () => {
  expect(conformityOf(["MUST", "passed"], ["MUST", "missing"])?.conformity).toBe("not shown");
  expect(conformityOf(["MUST", "passed"], ["MUST", "flaky"])?.conformity).toBe("not shown");
  expect(conformityOf(["MUST", "missing"], ["MUST", "failed"])?.conformity).toBe("not conforming");
});

test("no MUST at all shows nothing", () => {
  expect(conformityOf(["MAY", "passed"])?.conformity).toBe("not shown");
});

test("cases that were chosen, or few that apply, show nothing of the whole", () => {
  expect(scored([["MUST", "passed"]], true)?.conformity).toBe("not shown");
  expect(scored([["MUST", "failed"]], true)?.conformity).toBe("not conforming");
  const few = conformityOf(["MUST", "passed"], ["MUST", "not-applicable"], ["MUST", "not-applicable"]);
  expect(few?.conformity).toBe("not shown");
});
