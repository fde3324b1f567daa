import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const WORDS = ["mqtt.url", "mqtt.username", "site"];

test.each([
  ["a letter too many", "siite", "site"],
  ["a letter too few", "ste", "site"],
  ["another letter", "sita", "site"],
  ["two letters swapped", "istes", "site"],
  ["another case", "MQTT.URL", "mqtt.url"],
])("finds the word behind %s", (_, word, meant) => expect(nearest(word, WORDS)).toBe(meant));

test("finds nothing for a word that is far from all, or absurdly long", () => {
  expect(nearest("banana", WORDS)).toBeUndefined();
  expect(nearest("s".repeat(10_000), WORDS)).toBeUndefined();
});
