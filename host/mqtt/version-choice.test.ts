import { expect, test } from "vitest";
import { VersionChoice } from "./version-choice.ts";

const HOUR_MS = 3_600_000;

test("MQTT 5 at first, and for as long as it is accepted", () => {
  const choice = new VersionChoice();
  expect(choice.first(0)).toBe(5);
  choice.accepted(5, 0);
  expect(choice.first(9 * HOUR_MS)).toBe(5);
});

test("3.1.1 for an hour where only that was accepted, however often meanwhile", () => {
  const choice = new VersionChoice();
  choice.accepted(4, 0);
  choice.accepted(4, HOUR_MS / 2);
  expect([choice.first(HOUR_MS - 1), choice.first(HOUR_MS)]).toEqual([4, 5]);
});

test("MQTT 5 again after a connection that lasted, or as soon as it was accepted", () => {
  const choice = new VersionChoice();
  choice.accepted(4, 0);
  choice.lasted();
  expect(choice.first(1)).toBe(5);
  choice.accepted(4, 1);
  choice.accepted(5, 2);
  expect(choice.first(3)).toBe(5);
});
