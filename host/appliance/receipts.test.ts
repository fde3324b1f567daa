import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeReceipt } from "../seal/receipt.ts";
import { SAMPLE_UTC_MS } from "../seal/testing/samples.ts";
import { verifyReceipt } from "../seal/verify.ts";
import { ResultReader } from "../store/reader.ts";
import { replacing, tamper } from "../store/testing/tamper.ts";
import { sampleVault } from "../store/testing/vault.ts";
import { Receipts, receiptOf } from "./receipts.ts";
import { SealedStore } from "./testing/sealed-store.ts";

let folder: string;
let path: string;
let sealed: SealedStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-receipts-"));
  path = join(folder, "results.db");
  sealed = new SealedStore(path);
});
afterEach(() => {
  sealed.store.close();
  rmSync(folder, { recursive: true });
});

const MADE = new Date(SAMPLE_UTC_MS + 1).toISOString();
const asked = (resultId: string) => () => receiptOf(sealed.store.read, resultId);

test("every result of every batch has a receipt that verifies", async () => {
  for (const size of [1, 2, 5]) await sealed.seal(size);
  const receipts = new Receipts(sealed.store.read);
  const trustedKeys = new Map([[sealed.key.publicKey.toString("hex"), ""]]);
  for (let sequence = 1; sequence <= 8; sequence++) {
    const receipt = receipts.of(`sample-${sequence}`);
    expect(receipt.result.sequence).toBe(sequence);
    expect(verifyReceipt(encodeReceipt(receipt), { trustedKeys })).toMatchObject({ verdict: "simulated" });
  }
});

test("a reader in another process, opened while the appliance runs, gives the same receipt", async () => {
  await sealed.seal(3);
  const reader = ResultReader.open(path, sampleVault(1));
  expect(receiptOf(reader, "sample-2")).toEqual(receiptOf(sealed.store.read, "sample-2"));
  reader.close();
});

describe("there is no receipt", () => {
  test("of a result that there is not", () => {
    expect(asked("nobody")).toThrow(expect.objectContaining({ code: "RESULT_MISSING" }));
  });

  test("of a result that waits for a batch: since when it waits is said", async () => {
    await sealed.append();
    expect(asked("sample-1")).toThrow(
      expect.objectContaining({ code: "RECEIPT_NOT_SEALED", message: expect.stringContaining(MADE) }),
    );
  });

  test("of a result that was removed, nor of one whose batch is being removed", async () => {
    await sealed.seal(260);
    await sealed.store.upkeep.pruneBatch(1);
    const pruned = expect.objectContaining({ code: "RESULT_PRUNED" });
    expect(asked("sample-1")).toThrow(pruned);
    expect(asked("sample-260")).toThrow(pruned);
    await sealed.append();
    expect(asked("sample-261")).toThrow(expect.objectContaining({ code: "RECEIPT_NOT_SEALED" }));
  });

  test("of a result whose batch is being worked on", async () => {
    await sealed.append();
    await sealed.close();
    expect(asked("sample-1")).toThrow(
      expect.objectContaining({ code: "RECEIPT_NOT_SEALED", message: expect.stringContaining("worked on since") }),
    );
  });

  test("of a result that was never bound", async () => {
    await sealed.append({}, false);
    expect(asked("sample-1")).toThrow(expect.objectContaining({ code: "RECEIPT_NONE" }));
  });
});

describe("a store that is not what was sealed gives no receipt", () => {
  const changes: readonly (readonly [string, string])[] = [
    ["another probability", replacing('"probability":0.9731', '"probability":0.0001')],
    ["data of another shape", "UPDATE results SET body = sealed(resultId, '{}')"],
    [
      "the data of another result",
      "UPDATE results SET body = sealed(resultId, (SELECT opened(resultId, keyId, body) FROM results WHERE sequence = 1))",
    ],
    ["another signature", "UPDATE commitments SET signature = (SELECT signature FROM commitments WHERE sequence = 1)"],
    ["another commitment", "UPDATE commitments SET commitment = zeroblob(32) WHERE sequence = 2"],
    ["another commitment of its neighbour", "UPDATE commitments SET commitment = zeroblob(32) WHERE sequence = 1"],
    ["a neighbour less", "DELETE FROM commitments WHERE sequence = 3"],
    ["another place", "UPDATE commitments SET leaf = 7 WHERE sequence = 2"],
    ["no batch", "DELETE FROM batches"],
    ["half a seal", "UPDATE batches SET seal = substr(seal, 1, 100)"],
    ["another time in the seal", `UPDATE batches SET seal = replace(seal, '"utcMs":1', '"utcMs":2')`],
    ["a seal called real", `UPDATE batches SET seal = replace(seal, '"simulated":true', '"simulated":false')`],
  ];
  test.each(changes)("%s", async (_, sql) => {
    await sealed.seal(3);
    const before = encodeReceipt(receiptOf(sealed.store.read, "sample-2"));
    tamper(path, sampleVault(1), sql);
    expect(before.length).toBeGreaterThan(0);
    expect(asked("sample-2")).toThrow(expect.objectContaining({ code: "RECEIPT_DAMAGED" }));
  });
});
