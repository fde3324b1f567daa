import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ResultStore } from "./results.ts";
import type { Binding } from "./schema.ts";
import { makeMessage, makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";

let folder: string;
let path: string;
let store: ResultStore;
const open = (limits: { readonly outboxMaxRows?: number } = {}) =>
  new ResultStore({ path, vault: sampleVault(1), utcMs: () => 5, ...limits });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-seals-"));
  path = join(folder, "results.db");
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
const binding = (byte: number, key = 9): Binding => ({
  commitment: filled(byte),
  signature: filled(byte, 64),
  publicKey: filled(key),
});
const append = (resultId: string, bound: Binding | null) =>
  store.append((sequence) => makeResult(sequence, { resultId, binding: bound, messages: [] }));
const batch = (size: number, value = 7) => ({
  root: filled(1),
  size,
  previous: filled(0),
  sealedValue: filled(value),
  closedUtcMs: 6,
});

describe("results that are bound", () => {
  test("wait, oldest first, until they are in a batch; a result without a binding never does", async () => {
    await append("a", binding(1));
    await append("b", null);
    await append("c", binding(3));
    const { seals } = store.read;
    expect(seals.waiting(10).map(({ resultId }) => resultId)).toEqual(["a", "c"]);
    expect(seals.waiting(10, 1).map(({ resultId, commitment }) => [resultId, commitment[0]])).toEqual([["c", 3]]);
    expect(seals.of("b")).toBeUndefined();
    expect(seals.of("c")).toEqual({
      sequence: 3,
      commitment: filled(3),
      signature: filled(3, 64),
      batch: null,
      leaf: null,
    });
    expect(seals.counts()).toEqual({ seals: 0, sealedResults: 0, waiting: 2 });
  });

  test("of which one is refused leave no trace of it", async () => {
    await append("a", binding(1));
    await expect(append("a", binding(2))).rejects.toMatchObject({ code: "STORE_DUPLICATE" });
    expect(store.read.seals.waiting(10)).toHaveLength(1);
  });
});

describe("a batch", () => {
  beforeEach(async () => {
    for (const [i, id] of ["a", "b", "c"].entries()) await append(id, binding(i + 1));
  });

  test("keeps its results in the order of its tree, and is worked until it is sealed", async () => {
    const number = await store.closeBatch(batch(2), [3, 1]);
    const { seals } = store.read;
    expect(seals.worked()).toEqual({ ...batch(2), batch: number, seal: null, prunedUtcMs: null });
    expect(seals.membersOf(number).map(({ resultId }) => resultId)).toEqual(["c", "a"]);
    expect(seals.commitmentsOf(number).map(([byte]) => byte)).toEqual([3, 1]);
    expect(seals.waiting(10).map(({ resultId }) => resultId)).toEqual(["b"]);
    await store.sealBatch(number, "the seal", [makeMessage("sealed")]);
    expect(seals.worked()).toBeUndefined();
    expect(seals.newest()?.seal).toBe("the seal");
    expect([...seals.ledger()]).toEqual(["the seal"]);
    expect(store.pending(10).map(({ payload }) => String(Buffer.from(payload)))).toEqual(["sealed"]);
    expect(seals.counts()).toEqual({ seals: 1, sealedResults: 2, waiting: 1 });
  });

  test("is alone: a second one is refused while the first is worked, whole", async () => {
    await store.closeBatch(batch(1), [1]);
    await expect(store.closeBatch(batch(1, 8), [2])).rejects.toThrow();
    expect(store.read.seals.waiting(10)).toHaveLength(2);
  });

  test("takes no result that is in another one", async () => {
    await store.sealBatch(await store.closeBatch(batch(1), [1]), "s", []);
    await expect(store.closeBatch(batch(2, 8), [2, 1])).rejects.toMatchObject({ code: "STORE_SEAL" });
    expect(store.read.seals.worked()).toBeUndefined();
    expect(store.read.seals.waiting(10)).toHaveLength(2);
  });

  test("is sealed once, and not at all where its message finds no room", async () => {
    const number = await store.closeBatch(batch(1), [1]);
    store.close();
    store = open({ outboxMaxRows: 1 });
    await store.enqueue([makeMessage("waits")]);
    await expect(store.sealBatch(number, "s", [makeMessage()])).rejects.toMatchObject({ code: "OUTBOX_FULL" });
    expect(store.read.seals.worked()?.batch).toBe(number);
    await store.sealBatch(number, "s", []);
    await expect(store.sealBatch(number, "t", [])).rejects.toMatchObject({ code: "STORE_SEAL" });
    expect([...store.read.seals.ledger()]).toEqual(["s"]);
  });

  test("and what waits are signed anew with another key; what is sealed stays as it was", async () => {
    await store.sealBatch(await store.closeBatch(batch(1), [1]), "s", []);
    await store.closeBatch(batch(1, 8), [2]);
    expect(await store.resign(filled(9), () => filled(0, 64), 10)).toBe(0);
    expect(await store.resign(filled(8), ([byte]) => filled((byte ?? 0) + 100, 64), 10)).toBe(2);
    const signed = ["a", "b", "c"].map((id) => store.read.seals.of(id)?.signature[0]);
    expect(signed).toEqual([1, 102, 103]);
  });
});

test("a long ledger is read in pages, in order", async () => {
  await Promise.all(Array.from({ length: 600 }, (_, i) => append(`r${i + 1}`, binding(1))));
  // Not one after the other: they share transactions, in the order of the calls.
  const sealed = Array.from({ length: 600 }, async (_, i) => {
    const value = Buffer.alloc(32);
    value.writeUInt32BE(i + 1);
    const closed = store.closeBatch({ ...batch(1), sealedValue: value }, [i + 1]);
    await Promise.all([closed, store.sealBatch(i + 1, `seal ${i + 1}`, [])]);
  });
  await Promise.all(sealed);
  expect([...store.read.seals.ledger()]).toEqual(Array.from({ length: 600 }, (_, i) => `seal ${i + 1}`));
});
