import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CHECK_NAMES } from "./checks.ts";
import { fromHex } from "./fields.ts";
import type { ReceiptVector } from "./testing/vector.ts";
import { vectorFiles } from "./testing/vector-files.ts";
import { verifyReceipt } from "./verify.ts";

const folder = join(import.meta.dirname, "vectors");
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const vectors: readonly ReceiptVector[] = JSON.parse(read("receipts.json"));

function verified(vector: ReceiptVector) {
  const { receipt, receiptHex = "", trustedKeys, minDifficulty, rasterDigest, fileDigest } = vector;
  return verifyReceipt(receipt ?? fromHex(receiptHex), {
    trustedKeys: new Map(trustedKeys.map((key) => [key, "ward"])),
    ...(minDifficulty === undefined ? {} : { minDifficulty }),
    ...(rasterDigest === undefined ? {} : { rasterDigest: fromHex(rasterDigest) }),
    ...(fileDigest === undefined ? {} : { fileDigest: fromHex(fileDigest) }),
  });
}

test("the vectors in the folder are those that the code makes", () => {
  const files = vectorFiles();
  expect(readdirSync(folder).sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) expect(JSON.parse(read(name)), name).toEqual(JSON.parse(text));
});

test("every check is failed by at least one vector", () => {
  const failed = new Set(vectors.flatMap(({ checks }) => CHECK_NAMES.filter((name) => checks[name] === "failed")));
  const never = CHECK_NAMES.filter((name) => !failed.has(name));
  expect(never).toEqual(["signer", "simulation"]);
});

describe("a receipt", () => {
  test.each(vectors.map((vector) => [vector.name, vector] as const))("%s has the verdicts stated", (_, vector) => {
    const { checks, exitCode } = verified(vector);
    expect(Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]))).toEqual(vector.checks);
    expect(exitCode).toBe(vector.exitCode);
    expect(checks.map(({ name }) => name)).toEqual(CHECK_NAMES);
  });
});
