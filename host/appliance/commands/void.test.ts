import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readMessage } from "../../mqtt/envelope.ts";
import type { ResultData } from "../../mqtt/messages.ts";
import { IDENTITY, result } from "../../mqtt/testing/samples.ts";
import { bindResult } from "../../seal/bind.ts";
import { sampleKey } from "../../seal/testing/samples.ts";
import { ResultStore } from "../../store/results.ts";
import { sampleVault } from "../../store/testing/vault.ts";
import { Recorder } from "../recorder.ts";
import { resultIds } from "./result-ids.ts";
import { type VoidParts, voidResult } from "./void.ts";

const NAME = "MUELLER-HANS.png";
const device = { kind: "stratum", simulated: true } as const;
const time = { utcMs: 1_790_000_000_000, synced: true };

let folder = "";
let store: ResultStore;
let recorder: Recorder;
let vault = sampleVault(1);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "void-"));
  vault = sampleVault(1);
  open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function open(): void {
  store = new ResultStore({ path: join(folder, "results.db"), vault, utcMs: Date.now });
  const binder = { bind: (data: ResultData) => bindResult(data, sampleKey(1)), stored: () => {} };
  recorder = new Recorder({ store, identity: IDENTITY, binder, outward: () => "p1-code" });
}

const ask = async (id: string, resultId: string, reason = "WRONG_PATIENT") => {
  const parts: VoidParts = {
    ...{ read: store.read, ids: resultIds(vault) },
    record: (build) => recorder.record(build),
    present: () => ({ device, seal: "pending", time }),
  };
  return recorder.leaving(await voidResult(parts, { id, resultId, reason }));
};

/** A result of an image. */
const record = (changes: Partial<ResultData> = {}) =>
  recorder.record((sequence) => ({ ...result, resultId: `r-${sequence}`, reference: NAME, ...changes, sequence }));
const published = () => store.read.outbox(10).map(({ payload }) => readMessage(payload).data);

test("a result that was entered in error stays as it is; one of its own says so, without an answer, bound and published", async () => {
  const before = await record();
  const answer = await ask("ask-1", "r-1");
  expect(answer).toEqual({
    ...result,
    ...{ resultId: answer.resultId, sequence: 2, reference: "p1-code", status: "entered-in-error", replaces: "r-1" },
    ...{ assessed: false, reasons: ["ENTERED_IN_ERROR", "WRONG_PATIENT"], label: null, probability: null },
    ...{ decision: null, timingMs: {}, device: { ...device, checked: false }, seal: "pending", time },
  });
  expect(published().at(-1)).toEqual(answer);
  expect(store.read.get("r-1")?.data).toEqual(before);
  expect(store.read.replacedBy("r-1")?.data).toMatchObject({ ...answer, reference: NAME });
  expect(store.read.findByReference(NAME).map(({ status }) => status)).toEqual(["entered-in-error", "preliminary"]);
  expect(store.read.seals.waiting(10).map(({ sequence }) => sequence)).toEqual([2]);
});

test("the same command again has the same result, also after a restart and with a new key", async () => {
  await record();
  const first = await ask("ask-1", "r-1");
  expect(await ask("ask-1", "r-1")).toEqual(first);
  store.close();
  open();
  expect(await ask("ask-1", "r-1")).toEqual(first);
  store.close();
  vault = sampleVault(2, 1);
  open();
  expect(await ask("ask-1", "r-1")).toEqual(first);
  expect(store.read.count()).toBe(2);
});

test("nobody says twice that a result was entered in error, nor of the word that says so", async () => {
  await record();
  const first = await ask("ask-1", "r-1");
  await expect(ask("ask-2", "r-1")).rejects.toMatchObject({ code: "VOID_TWICE" });
  await expect(ask("ask-3", first.resultId)).rejects.toMatchObject({ code: "VOID_TWICE" });
  expect(store.read.count()).toBe(2);
});

test("two that ask at once have one result between them", async () => {
  await record();
  const asked = await Promise.allSettled([ask("ask-1", "r-1"), ask("ask-2", "r-1")]);
  expect(asked.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(store.read.count()).toBe(2);
});

test("of a result that was corrected it is said by the one that stands in for it", async () => {
  await record();
  await record({ status: "corrected", replaces: "r-1" });
  await expect(ask("ask-1", "r-1")).rejects.toMatchObject({
    code: "RESULT_REPLACED",
    detail: "result r-2 stands in for r-1",
  });
  expect(await ask("ask-2", "r-2")).toMatchObject({ replaces: "r-2" });
});

test("a result that is not there cannot be entered in error, nor corrected", async () => {
  await expect(ask("ask-1", "r-9")).rejects.toMatchObject({ code: "RESULT_MISSING" });
  await expect(record({ status: "corrected", replaces: "r-9" })).rejects.toMatchObject({ code: "RESULT_MISSING" });
  expect(store.read.count()).toBe(0);
});

test("a result is corrected once; what was entered in error may be", async () => {
  await record();
  const answer = await ask("ask-1", "r-1");
  await expect(record({ status: "corrected", replaces: "r-1" })).rejects.toMatchObject({ code: "RESULT_REPLACED" });
  const corrected = await record({ status: "corrected", replaces: answer.resultId });
  expect(published().at(-1)).toMatchObject({ resultId: corrected.resultId, status: "corrected" });
});
