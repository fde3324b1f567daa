import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { reasonsNotToAssess } from "./quality.ts";
import { qualityFeatures } from "./quality-features.ts";
import { judge } from "./quality-rules.ts";
import { TABLE } from "./quality-table.ts";

interface Row {
  readonly image: string;
  readonly reason: string;
}

const VECTOR: readonly Row[] = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../../models/train/fixtures/gate-vector.json"), "utf8"),
);

/** The formulae of models/train/gate_page.py. */
const FORMULAE: Record<string, (x: number, y: number) => number> = {
  quadratic: (x, y) => (x * x + 3 * y * y + 7 * x * y) % 256,
  hills: (x, y) => Math.abs(((x + 40) % 112) - 56) * 3 + Math.floor(y / 4),
  lit: (x, y) => 255 - Math.min(255, Math.floor(((x - 112) ** 2 + (y - 90) ** 2) / 64)),
};

function drawn(image: string): Uint8Array {
  const formula = FORMULAE[image] ?? (() => 0);
  return Uint8Array.from({ length: 224 * 224 }, (_, at) => formula(at % 224, Math.floor(at / 224)));
}

test.each(VECTOR)("$image: the numbers that Python found", ({ image, ...found }) => {
  const features = qualityFeatures(drawn(image));
  expect({ ...judge(features, TABLE), features }).toEqual(found);
  expect(reasonsNotToAssess(drawn(image))).toEqual([found.reason]);
});

test("the surest rule gives the reason; the distance only where no rule fires", () => {
  const rule = (reason: "ROTATED" | "TEXT", weight: number) => ({ kind: reason, reason, weights: [weight], limit: 64 });
  const table = {
    mean: [0],
    scale: [1024],
    whitening: [[1024]],
    distance: 100,
    rules: [rule("TEXT", 1), rule("ROTATED", 2)],
  };
  expect([70, 40, 20, 5, -20].map((feature) => judge([feature], table).reason)).toEqual([
    "ROTATED",
    "ROTATED",
    "NOT_A_CHEST_FILM",
    null,
    "NOT_A_CHEST_FILM",
  ]);
});
