import { expect, test } from "vitest";
import { calibrate } from "./calibrate.ts";

test("a logit of zero is one half", () => {
  expect(calibrate(0, { temperature: 1, threshold: 0.6 })).toEqual({ probability: 0.5, decision: "negative" });
});

test("the temperature divides the logit", () => {
  expect(calibrate(4, { temperature: 2, threshold: 0.5 }).probability).toBe(0.8808);
});

test("the probability is rounded to four decimals, half up", () => {
  const logit = Math.log(0.12345 / (1 - 0.12345)) + 1e-9;
  expect(calibrate(logit, { temperature: 1, threshold: 0.5 }).probability).toBe(0.1235);
});

test("the decision follows the rounded probability, so that a reader of the message decides alike", () => {
  const justBelow = Math.log(0.69996 / (1 - 0.69996));
  expect(calibrate(justBelow, { temperature: 1, threshold: 0.7 })).toEqual({ probability: 0.7, decision: "positive" });
});

test("extreme logits stay within [0, 1]", () => {
  expect(calibrate(1e6, { temperature: 1, threshold: 1 })).toEqual({ probability: 1, decision: "positive" });
  expect(calibrate(-1e6, { temperature: 1, threshold: 0.1 })).toEqual({ probability: 0, decision: "negative" });
});
