import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readMessage } from "../../mqtt/envelope.ts";
import type { ResultData } from "../../mqtt/messages.ts";
import { IDENTITY, result } from "../../mqtt/testing/samples.ts";
import { ResultStore } from "../../store/results.ts";
import { tamper } from "../../store/testing/tamper.ts";
import { sampleVault } from "../../store/testing/vault.ts";
import { Recorder } from "../recorder.ts";
import { resend } from "./resend.ts";

let folder = "";
let store: ResultStore;
let counted: string[];
const OUTBOX_MAX_ROWS = 400;

beforeEach(() => {
  counted = [];
  folder = mkdtempSync(join(tmpdir(), "resend-"));
  open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function open(): void {
  const path = join(folder, "results.db");
  store = new ResultStore({ path, vault: sampleVault(1), utcMs: () => 5, outboxMaxRows: OUTBOX_MAX_ROWS });
}

const outward = (reference: string) => `code of ${reference.length}`;

/** Recorded, and taken by the broker. */
async function record(count: number): Promise<void> {
  const binder = { bind: () => expect.fail("nothing is bound here"), stored: () => {} };
  const recorder = new Recorder({ store, identity: IDENTITY, binder, outward });
  for (let i = 0; i < count; i++) {
    await recorder.record((sequence) => ({ ...result, resultId: `r-${sequence}`, sequence }));
  }
  await store.acknowledge(store.read.waiting(1000).map(({ position }) => position));
}

const ask = (from: number, limit = 1000) => {
  const leaving = (data: ResultData) => ({ ...data, reference: outward(data.reference ?? "") });
  return resend({ store, identity: IDENTITY, leaving, count: (code) => void counted.push(code) }, { from, limit });
};
const left = () => store.read.outbox(1000).map(({ messageId, payload }) => ({ messageId, ...readMessage(payload) }));
const numbers = () => left().map(({ messageId }) => Number(messageId.replace("result-r-", "")));
const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

test("what is stored from a number on leaves again, in order, under its id and with what stands for its reference", async () => {
  await record(5);
  expect(await ask(3)).toEqual({ from: 3, sent: 3, next: null, firstAvailable: 3 });
  expect(numbers()).toEqual([3, 4, 5]);
  expect(left()[0]).toMatchObject({ id: "result-r-3", data: { sequence: 3, reference: "code of 10", replaces: null } });
});

test("what waits already does not wait twice", async () => {
  await record(3);
  await ask(1);
  expect(await ask(2)).toMatchObject({ sent: 2 });
  expect(numbers()).toEqual([1, 2, 3]);
});

test("no more at once than was asked for, and the answer says where to go on", async () => {
  await record(150);
  expect(await ask(10, 100)).toEqual({ from: 10, sent: 100, next: 110, firstAvailable: 10 });
  expect(numbers()).toEqual(upTo(10, 109));
  expect(await ask(110, 41)).toMatchObject({ sent: 41, next: null });
});

test("before the first result, and after the last, there is nothing yet", async () => {
  expect(await ask(1)).toEqual({ from: 1, sent: 0, next: null, firstAvailable: 1 });
  await record(2);
  expect(await ask(3)).toEqual({ from: 3, sent: 0, next: null, firstAvailable: 3 });
});

test("numbers that were removed, or never given, are told as not there", async () => {
  await record(4);
  tamper(join(folder, "results.db"), sampleVault(1), "DELETE FROM results WHERE sequence <= 2");
  expect(await ask(1)).toEqual({ from: 1, sent: 2, next: null, firstAvailable: 3 });
  tamper(join(folder, "results.db"), sampleVault(1), "DELETE FROM results");
  expect(await ask(3)).toEqual({ from: 3, sent: 0, next: null, firstAvailable: 5 });
});

test("a result that does not open, or is not what this version can say, is counted and stops no other", async () => {
  await record(3);
  const database = join(folder, "results.db");
  tamper(database, sampleVault(1), "UPDATE results SET body = zeroblob(64) WHERE sequence = 1");
  expect(await ask(1)).toEqual({ from: 1, sent: 2, next: null, firstAvailable: 1 });
  expect(counted).toEqual(["STORE_DAMAGED"]);
  expect(numbers()).toEqual([2, 3]);
});

test("half of the outbox is kept for new results", async () => {
  await record(300);
  const first = await ask(1);
  expect(first.sent).toBeGreaterThanOrEqual(OUTBOX_MAX_ROWS / 2);
  expect(first).toMatchObject({ next: first.sent + 1 });
  expect(store.outbox.rows).toBe(first.sent);
  await expect(ask(1)).rejects.toMatchObject({ code: "RESEND_CROWDED" });
  await store.acknowledge(store.read.waiting(1000).map(({ position }) => position));
  expect(await ask(first.next ?? 0)).toMatchObject({ sent: 300 - first.sent, next: null });
});
