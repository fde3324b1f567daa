import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sampleKey } from "../seal/testing/samples.ts";
import { ResultReader } from "../store/reader.ts";
import { replacing, tamper } from "../store/testing/tamper.ts";
import { sampleVault } from "../store/testing/vault.ts";
import { checkStoredLedger } from "./ledger-check.ts";
import { SealedStore } from "./testing/sealed-store.ts";

let folder: string;
let path: string;
let sealed: SealedStore;
let heads: string[];

/** Two sealed batches, a result in a batch that is worked on, and one that waits. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "lv06-ledger-"));
  path = join(folder, "results.db");
  sealed = new SealedStore(path);
  heads = [];
  for (const size of [3, 2]) heads.push((await sealed.seal(size)).sealedValue);
  await sealed.append();
  await sealed.close();
  await sealed.append();
});
afterEach(() => {
  sealed.store.close();
  rmSync(folder, { recursive: true });
});

const check = (options = {}) => checkStoredLedger(sealed.store.read, options, () => {});

const change = (sql: string) => tamper(path, sampleVault(1), sql);

test("a store as it was sealed is sound, down to the last result", () => {
  const publicKey = sealed.key.publicKey.toString("hex");
  expect(check({ anchors: heads })).toEqual({
    chain: { ok: true, head: { seals: 2, results: 5, head: heads[1] } },
    keys: [{ publicKey, seals: 2, simulatedSeals: 2 }],
    checkedResults: 7,
    prunedBatches: 0,
    removedSeals: 0,
    fault: null,
  });
});

test("a batch whose results were removed by the retention policy is sound by its seal, and is counted", async () => {
  await sealed.store.upkeep.pruneBatch(1);
  expect(check({ anchors: heads })).toMatchObject({
    chain: { ok: true, head: { seals: 2, results: 5 } },
    ...{ checkedResults: 4, prunedBatches: 1, fault: null },
  });
  change("UPDATE batches SET root = zeroblob(32) WHERE batch = 1");
  expect(check().fault).toMatchObject({ batch: 1, detail: "its seal is another batch's" });
});

test("what is removed while the check runs breaks nothing: it sees one moment", () => {
  const reader = ResultReader.open(path, sampleVault(1));
  let removed = false;
  const report = checkStoredLedger(reader, { anchors: heads }, (checked) => {
    if (checked < 3 || removed) return;
    removed = true;
    change(`DELETE FROM commitments WHERE batch = 1; DELETE FROM results WHERE sequence <= 3;
      UPDATE batches SET prunedUtcMs = 1 WHERE batch = 1`);
  });
  expect(removed).toBe(true);
  expect(report).toMatchObject({ chain: { ok: true }, checkedResults: 7, prunedBatches: 0, fault: null });
  expect(checkStoredLedger(reader, {}, () => {})).toMatchObject({ checkedResults: 4, prunedBatches: 1, fault: null });
  reader.close();
});

test("keys that are not the store's say nothing about the ledger", () => {
  const reader = ResultReader.open(path, sampleVault(1));
  change("UPDATE results SET keyId = zeroblob(8) WHERE sequence >= 2");
  expect(() => checkStoredLedger(reader, {}, () => {})).toThrow(expect.objectContaining({ code: "VAULT_KEY_UNKNOWN" }));
  reader.close();
});

test("a result that alone names a key that never was is damaged: the fault is its own", () => {
  change("UPDATE results SET keyId = zeroblob(8) WHERE sequence = 2");
  expect(check().fault).toMatchObject({ batch: 1, resultId: "sample-2", detail: expect.stringContaining("never was") });
});

test("a ledger whose oldest seals were removed is sound from there on, and says how many they are", async () => {
  await sealed.store.upkeep.pruneBatch(1);
  expect(await sealed.store.upkeep.pruneLedger()).toBe(1);
  expect(check({ anchors: heads })).toMatchObject({
    chain: { ok: true, head: { seals: 2, results: 5, head: heads[1] } },
    ...{ checkedResults: 4, prunedBatches: 0, removedSeals: 1, fault: null },
  });
  change(`UPDATE meta SET value = replace(value, '${heads[0]}', '${heads[1]}') WHERE name = 'ledgerBase'`);
  expect(check().chain).toMatchObject({ ok: false, fault: "previous" });
});

test("no batch can be called removed that has no seal", () => {
  change("UPDATE batches SET prunedUtcMs = 1 WHERE batch = 3");
  expect(check().fault).toMatchObject({ batch: 3 });
});

test("progress ends at what the counts say", () => {
  const seen: number[] = [];
  checkStoredLedger(sealed.store.read, {}, (done) => seen.push(done));
  const { seals, sealedResults, waiting } = sealed.store.read.seals.counts();
  expect(seen.at(-1)).toBe(seals + sealedResults + waiting);
});

test("a head kept elsewhere that is not in it, and a key that is not trusted, break the chain", () => {
  expect(check({ anchors: ["ab".repeat(32)] }).chain).toMatchObject({ ok: false, fault: "anchor" });
  const trustedKeys = new Map([[sampleKey(2).publicKey.toString("hex"), "another"]]);
  expect(check({ trustedKeys }).chain).toMatchObject({ ok: false, seal: 0, fault: "signer" });
});

describe("a seal that was changed, left out or put elsewhere breaks the chain", () => {
  test.each([
    ["form", 1, "UPDATE batches SET seal = substr(seal, 1, 100) WHERE batch = 2"],
    ["seal-signature", 1, `UPDATE batches SET seal = replace(seal, '"utcMs":1', '"utcMs":2') WHERE batch = 2`],
    ["previous", 0, "DELETE FROM batches WHERE batch = 1"],
  ])("%s", (fault, seal, sql) => {
    change(sql);
    expect(check().chain).toMatchObject({ ok: false, seal, fault });
  });
});

describe("the first that is wrong is named", () => {
  test.each([
    ["a sealed result's probability", 2, "sample-4", replacing("0.9731", "0.0001", "WHERE sequence = 4")],
    ["a waiting result's", null, "sample-7", replacing("0.0417", "0.0001", "WHERE sequence = 7")],
    ["that of one being worked on", 3, "sample-6", replacing("0.9731", "0.0001", "WHERE sequence = 6")],
    ["data that are no JSON", 1, "sample-1", "UPDATE results SET body = sealed(resultId, '{') WHERE sequence = 1"],
    ["data of no result", 1, "sample-1", "UPDATE results SET body = sealed(resultId, 'null') WHERE sequence = 1"],
    ["a signature", 1, "sample-3", "UPDATE commitments SET signature = zeroblob(64) WHERE sequence = 3"],
    ["a commitment", 1, null, "UPDATE commitments SET commitment = zeroblob(32) WHERE sequence = 3"],
    ["the order of a batch", 2, null, "UPDATE commitments SET leaf = 9 WHERE sequence = 4"],
    ["a commitment that is gone", 2, null, "DELETE FROM commitments WHERE sequence = 5"],
    ["a result that is gone", 2, null, "PRAGMA foreign_keys = 0; DELETE FROM results WHERE sequence = 5"],
    ["all of a batch that are gone", 1, null, "DELETE FROM commitments WHERE batch = 1"],
    ["a batch's root", 1, null, "UPDATE batches SET root = zeroblob(32) WHERE batch = 1"],
    [
      "the seal of another batch",
      1,
      null,
      "UPDATE batches SET seal = (SELECT seal FROM batches WHERE batch = 2)  WHERE batch = 1",
    ],
    ["two of them", 1, "sample-2", replacing("0.9731", "0.0001")],
  ] as const)("%s", (_, batch, resultId, sql) => {
    change(sql);
    const { fault } = check();
    expect(fault).toMatchObject({ batch, resultId });
    expect(fault?.detail).toMatch(/\w/);
  });
});
