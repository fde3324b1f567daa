import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ResultReader } from "./reader.ts";
import { ResultStore } from "./results.ts";
import type { ResultStoreOptions } from "./results-options.ts";
import { makeMessage, makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";

let folder: string;
let path: string;
let store: ResultStore;

const open = (options: Partial<ResultStoreOptions> = {}) =>
  new ResultStore({ path, vault: sampleVault(1), utcMs: () => 77, ...options });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
  path = join(folder, "results.db");
  store = open();
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

test("a stored result comes back as it was, with its messages waiting", async () => {
  const message = makeMessage("payload");
  const made = makeResult(1, { data: { a: [1, "ü", null] }, messages: [message] });
  const { messages: _, binding: __, ...expected } = made;
  await store.append(() => made);
  expect(store.read.get(made.resultId)).toEqual({ sequence: 1, ...expected });
  const [row] = store.pending(10);
  expect({ ...row, payload: Buffer.from(row?.payload ?? []) }).toEqual({ ...message, position: 1, utcMs: 77 });
});

test("concurrent results are numbered 1, 2, 3 … in the order of the calls, without gaps", async () => {
  const results = await Promise.all(Array.from({ length: 700 }, () => store.append(makeResult)));
  expect(results.map(({ sequence }) => sequence)).toEqual(results.map((_, index) => index + 1));
  expect(store.read.listFrom(1, 1000).map(({ resultId }) => resultId)).toEqual(results.map((r) => r.resultId));
});

test("the sequence goes on after closing, also when the old results are gone", async () => {
  await store.append(makeResult);
  await store.append(makeResult);
  store.close();
  store = open();
  expect((await store.append(makeResult)).sequence).toBe(3);
});

test("a result that cannot be made takes nothing with it: not its number, not its neighbours", async () => {
  const fail = () => {
    throw new Error("no result");
  };
  const outcomes = await Promise.allSettled([store.append(makeResult), store.append(fail), store.append(makeResult)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(store.read.listFrom(1, 10).map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(store.outbox.rows).toBe(2);
});

test("a result id that is taken is refused by name", async () => {
  const made = await store.append(makeResult);
  await expect(store.append((next) => makeResult(next, { resultId: made.resultId }))).rejects.toMatchObject({
    code: "STORE_DUPLICATE",
  });
});

test("a full outbox refuses the result and stores nothing, until messages are acknowledged", async () => {
  store.close();
  store = open({ outboxMaxRows: 2 });
  await store.append(makeResult);
  await store.append(makeResult);
  await expect(store.append(makeResult)).rejects.toMatchObject({ code: "OUTBOX_FULL" });
  expect(store.read.list({ limit: 10 })).toHaveLength(2);
  await store.acknowledge([1]);
  expect((await store.append(makeResult)).sequence).toBe(3);
});

test("the outbox is bounded in bytes", async () => {
  store.close();
  store = open({ outboxMaxBytes: 100 });
  await store.enqueue([makeMessage("x".repeat(60))]);
  await expect(store.enqueue([makeMessage("x".repeat(41))])).rejects.toMatchObject({ code: "OUTBOX_FULL" });
  await store.enqueue([makeMessage("x".repeat(40))]);
  expect(store.outbox).toMatchObject({ rows: 2, bytes: 100 });
});

test("acknowledged messages are gone, the others keep their order", async () => {
  await store.enqueue(["a", "b", "c", "d"].map((text) => makeMessage(text)));
  await store.acknowledge([1, 3, 99]);
  expect(store.pending(10).map(({ payload }) => Buffer.from(payload).toString())).toEqual(["b", "d"]);
  expect(store.pending(10, 2).map(({ position }) => position)).toEqual([4]);
  expect(store.outbox).toMatchObject({ rows: 2, bytes: 2 });
});

test("a listener hears of messages only once they are durable", async () => {
  const reader = ResultReader.open(path, sampleVault(1));
  const seen: number[] = [];
  const stop = store.onMessages(() => seen.push(reader.outboxCounts().rows));
  await store.append(makeResult);
  stop();
  await store.append(makeResult);
  reader.close();
  expect(seen).toEqual([1]);
});

test("results are found by reference and by time, newest first", async () => {
  for (const reference of ["x", "y", "x"]) await store.append((next) => makeResult(next, { reference }));
  expect(store.read.findByReference("x").map(({ sequence }) => sequence)).toEqual([3, 1]);
  expect(store.read.list({ limit: 2 }).map(({ sequence }) => sequence)).toEqual([3, 2]);
  expect(store.read.list({ limit: 9, sinceUtcMs: 1_000_003 }).map(({ sequence }) => sequence)).toEqual([3]);
});

test("a second connection reads while this one writes", async () => {
  const reader = ResultReader.open(path, sampleVault(1));
  for (let count = 1; count <= 20; count++) {
    await store.append(makeResult);
    expect(reader.list({ limit: 1 })[0]?.sequence).toBe(count);
  }
  expect(reader.outbox(100)).toHaveLength(20);
  reader.close();
});

test("two writers on one file share one numbering and see each other's outbox", async () => {
  const other = open({ outboxMaxRows: 3 });
  await store.append(makeResult);
  await other.append(makeResult);
  await store.append(makeResult);
  await expect(other.append(makeResult)).rejects.toMatchObject({ code: "OUTBOX_FULL" });
  other.close();
  expect(store.read.listFrom(1, 9).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
});

test("what was asked for before closing is durable, what comes after is refused by name", async () => {
  const early = store.append(makeResult);
  store.close();
  expect((await early).sequence).toBe(1);
  await expect(store.append(makeResult)).rejects.toMatchObject({ code: "STORE_CLOSED" });
});

test("more waiting writes than the limit are refused by name", async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 20_001 }, () => store.enqueue([])));
  expect(outcomes.at(-1)).toMatchObject({ status: "rejected", reason: { code: "STORE_BACKLOG" } });
  expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(1);
});

test("there is nothing to read before the first start", () => {
  expect(() => ResultReader.open(join(folder, "absent.db"), sampleVault(1))).toThrow(
    expect.objectContaining({ code: "STORE_MISSING" }),
  );
});
