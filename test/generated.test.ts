import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorReference } from "../scripts/error-reference.ts";

test("docs/errors.md is what the error tables say (make generate)", () => {
  expect(readFileSync("docs/errors.md", "utf8")).toBe(errorReference());
});
