import { expect, test } from "vitest";
import { RestartBudget } from "./budget.ts";

const limits = { most: 3, everyMs: 60_000 };

test("the first restarts are free, the next one waits until it is earned", () => {
  const budget = new RestartBudget(limits);
  expect([0, 0, 0, 0].map((nowMs) => budget.take(nowMs))).toEqual([0, 0, 0, 60_000]);
});

test("what is taken after its wait waits as long again: once a minute, for ever", () => {
  const budget = new RestartBudget(limits);
  const waits: number[] = [];
  for (let nowMs = 0; waits.length < 10; nowMs += waits.at(-1) ?? 0) waits.push(budget.take(nowMs));
  expect(waits).toEqual([0, 0, 0, ...Array(7).fill(60_000)]);
});

test("quiet time earns them back, and never more than there were", () => {
  const budget = new RestartBudget(limits);
  for (let i = 0; i < 3; i++) budget.take(0);
  expect([30_000, 60_000, 120_000].map((nowMs) => budget.take(nowMs))).toEqual([30_000, 60_000, 60_000]);
  const later = 86_400_000;
  expect([later, later, later, later].map((nowMs) => budget.take(nowMs))).toEqual([0, 0, 0, 60_000]);
});
