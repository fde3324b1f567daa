import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { budgetOf, needsRoom, nextStep, type RetentionFacts } from "./retention.ts";

const NOTHING: RetentionFacts = {
  ...{ utcMs: 10_000, timeTrusted: true, usedBytes: 0 },
  ...{ begun: undefined, batch: undefined, unboundUtcMs: undefined, ledgerBytes: 0, ledgerRemovable: false },
};
const BOTH = { ...NOTHING, batch: { batch: 4, closedUtcMs: 5000 }, unboundUtcMs: 6000 };
const unlimited = { maxBytes: 1000, maxAgeMs: null };
const aged = (maxAgeMs: number) => ({ maxBytes: 1000, maxAgeMs });

describe("the next step", () => {
  test("is none while there is room and nothing is too old", () => {
    expect(nextStep(BOTH, unlimited, false)).toEqual({ kind: "none" });
    expect(nextStep(BOTH, aged(5000), false)).toEqual({ kind: "none" });
  });

  test("finishes a batch whose removal has begun, whatever else there is", () => {
    expect(nextStep({ ...BOTH, begun: 2 }, unlimited, false)).toEqual({ kind: "batch", batch: 2 });
  });

  test("removes what is too old, and nothing that is not", () => {
    expect(nextStep(BOTH, aged(4999), false)).toEqual({ kind: "batch", batch: 4 });
    expect(nextStep({ ...BOTH, batch: undefined }, aged(3999), false)).toEqual({ kind: "unbound", throughUtcMs: 6000 });
    expect(nextStep({ ...BOTH, batch: undefined }, aged(4000), false)).toEqual({ kind: "none" });
  });

  test("takes nothing for old while the clock may be wrong", () => {
    expect(nextStep({ ...BOTH, timeTrusted: false }, aged(1), false)).toEqual({ kind: "none" });
  });

  test("makes room with the oldest, of whichever kind, and removes no unbound result that is newer than a batch", () => {
    expect(nextStep(BOTH, unlimited, true)).toEqual({ kind: "batch", batch: 4 });
    expect(nextStep({ ...BOTH, unboundUtcMs: 5000 }, unlimited, true)).toEqual({ kind: "unbound", throughUtcMs: 5000 });
    const only = { ...BOTH, batch: undefined };
    expect(nextStep(only, unlimited, true)).toMatchObject({ kind: "unbound" });
    expect(nextStep(NOTHING, unlimited, true)).toEqual({ kind: "none" });
  });
});

test("seals that seal nothing any more go where all seals take more than a quarter of the budget", () => {
  const many = { ...NOTHING, ledgerBytes: 188, ledgerRemovable: true };
  expect(nextStep(many, unlimited, false)).toEqual({ kind: "ledger" });
  expect(nextStep({ ...many, ledgerBytes: 187 }, unlimited, true)).toEqual({ kind: "none" });
  expect(nextStep({ ...many, ledgerRemovable: false }, unlimited, true)).toEqual({ kind: "none" });
});

describe("room", () => {
  test("is made from nine tenths of the budget on, down to less", () => {
    const budget = budgetOf(1000);
    expect(budget).toBe(750);
    expect(budgetOf(2 ** 32)).toBe(2 ** 32 - 2 ** 24);
    expect(needsRoom(675, 1000, false)).toBe(false);
    expect(needsRoom(676, 1000, false)).toBe(true);
    expect(needsRoom(640, 1000, true)).toBe(true);
    expect(needsRoom(637, 1000, true)).toBe(false);
  });

  test("is only ever made with what may be removed", () => {
    const facts = fc.record({
      utcMs: fc.nat(10_000),
      timeTrusted: fc.boolean(),
      usedBytes: fc.nat(2000),
      begun: fc.option(fc.nat(9), { nil: undefined }),
      batch: fc.option(fc.record({ batch: fc.nat(9), closedUtcMs: fc.nat(10_000) }), { nil: undefined }),
      unboundUtcMs: fc.option(fc.nat(10_000), { nil: undefined }),
      ledgerBytes: fc.nat(1000),
      ledgerRemovable: fc.boolean(),
    });
    const maxAgeMs = fc.option(fc.nat(10_000), { nil: null });
    fc.assert(
      fc.property(facts, maxAgeMs, fc.boolean(), (given, age, making) => {
        const step = nextStep(given, { maxBytes: 1000, maxAgeMs: age }, making);
        if (step.kind === "batch") return [given.begun, given.batch?.batch].includes(step.batch);
        if (step.kind === "unbound") return (given.unboundUtcMs ?? Number.POSITIVE_INFINITY) <= step.throughUtcMs;
        if (step.kind === "ledger") return given.ledgerRemovable;
        return given.begun === undefined && (!making || given.batch === undefined);
      }),
    );
  });
});
