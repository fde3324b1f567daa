import { expect, test } from "vitest";
import { reasonsNotToAssess } from "./quality.ts";

const film = (value: (pixel: number) => number) => Uint8Array.from({ length: 224 * 224 }, (_, pixel) => value(pixel));

test.each([
  ["one grey", () => 117],
  ["sensor noise", (pixel: number) => 60 + (pixel % 7)],
  ["noise and a small bright marker", (pixel: number) => (pixel < 300 ? 255 : 40 + (pixel % 5))],
])("%s is LOW_CONTRAST", (_, value) => {
  expect(reasonsNotToAssess(film(value))).toEqual(["LOW_CONTRAST"]);
});
