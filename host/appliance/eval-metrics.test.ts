import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { calibrate } from "../inference/calibrate.ts";
import { aucOf, metricsOf, type Scored, share } from "./eval-metrics.ts";

type Triple = readonly [number, number, number];

/** Computed by the training's own Python (the file says how), so that the two cannot drift apart. */
const { sets } = JSON.parse(readFileSync(join(import.meta.dirname, "testing/eval-vector.json"), "utf8")) as {
  readonly sets: readonly {
    readonly temperature: number;
    readonly threshold: number;
    readonly label: readonly (0 | 1)[];
    readonly logit: readonly number[];
    readonly expected: Readonly<Record<"auc" | "accuracy" | "sensitivity" | "specificity", Triple>> & {
      readonly brier: number;
      readonly ece: number;
      readonly reliability: readonly Triple[];
    };
  }[];
};

function scoredOf(set: (typeof sets)[number]): Scored[] {
  return set.logit.map((logit, place) => {
    const { probability, decision } = calibrate(logit, set);
    return { positive: set.label[place] === 1, logit, probability, calledPositive: decision === "positive" };
  });
}

const close = (values: readonly unknown[]) => values.map((value) => expect.closeTo(Number(value), 11));

describe.each(sets.map((set, place) => ({ place, set })))("set $place of the Python vector", ({ set }) => {
  const metrics = metricsOf(scoredOf(set));

  test.each(["auc", "accuracy", "sensitivity", "specificity"] as const)("%s and its interval", (name) => {
    const { value, interval95, why } = metrics[name];
    expect([value, ...(interval95 ?? [])]).toEqual(close(set.expected[name]));
    expect(why).toBeNull();
  });

  test("Brier score, ECE and reliability bins", () => {
    expect([metrics.brier, metrics.ece]).toEqual(close([set.expected.brier, set.expected.ece]));
    const bins = metrics.reliability.map(({ stated, observed, count }) => [stated, observed, count]);
    expect(bins).toEqual(set.expected.reliability.map(close));
    expect(metrics.reliability.every(({ stated, from, to }) => from <= stated && stated <= to)).toBe(true);
  });
});

describe("what cannot be said is null, with its reason", () => {
  const many = Array.from({ length: 10 }, (_, i) => i);

  test("an interval of the AUC with nine images of a class", () => {
    expect(aucOf(many.slice(1), many)).toMatchObject({ interval95: null, why: "fewer than 10 images of a class" });
    expect(aucOf(many, many)).toMatchObject({ value: 0.5, why: null });
  });

  test("an interval of an AUC without variance", () => {
    const apart = many.map((value) => value + 100);
    expect(aucOf(apart, many)).toMatchObject({ value: 1, interval95: null, why: expect.stringContaining("overlap") });
  });

  test("the AUC and the sensitivity without a positive that got a probability", () => {
    const metrics = metricsOf([{ positive: false, logit: -1, probability: 0.2, calledPositive: false }]);
    expect(metrics.auc.value).toBeNull();
    expect(metrics.sensitivity).toMatchObject({ value: null, interval95: null, hits: 0, of: 0 });
    expect(metrics.specificity).toMatchObject({ value: 1, hits: 1, of: 1 });
  });

  test("everything of no image at all", () => {
    const { brier, ece, reliability, auc, accuracy } = metricsOf([]);
    expect([brier, ece, reliability, auc.value, accuracy.value]).toEqual([null, null, [], null, null]);
  });
});

test("a share at the ends has an interval that reaches them and goes no further", () => {
  expect(share(8, 8).interval95).toEqual([expect.closeTo(0.67559, 5), 1]);
  expect(share(0, 8).interval95).toEqual([0, expect.closeTo(0.32441, 5)]);
});

test("a probability of 1 is in the last bin", () => {
  const [bin] = metricsOf([{ positive: true, logit: 99, probability: 1, calledPositive: true }]).reliability;
  expect(bin).toEqual({ from: 14 / 15, to: 1, stated: 1, observed: 1, count: 1 });
});
