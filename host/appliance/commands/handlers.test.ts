import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HealthData, ResultData } from "../../mqtt/messages.ts";
import { health, IDENTITY, result } from "../../mqtt/testing/samples.ts";
import { ResultStore } from "../../store/results.ts";
import { makeMessage } from "../../store/testing/make-result.ts";
import { sampleVault } from "../../store/testing/vault.ts";
import { type HandlerParts, makeHandlers } from "./handlers.ts";
import { resultIds } from "./result-ids.ts";

let folder = "";
let store: ResultStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "handlers-"));
  store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: Date.now });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function handlers(changes: Partial<HandlerParts> = {}) {
  return makeHandlers({
    ...{ store, identity: IDENTITY, ids: resultIds(sampleVault(1)), count: () => {} },
    leaving: (data: ResultData) => ({ ...data, reference: "p1-code" }),
    record: () => expect.fail("nothing is recorded here"),
    present: () => expect.fail("nothing is made here"),
    process: async () => ({ kind: "result", data: result, recorded: true }),
    ...{ allowedDirs: [], maxFileBytes: 100, inferMaxBytes: 100, mode: "inference" },
    health: (): HealthData | undefined => undefined,
    selftest: async () => ({ ok: true, checks: [] }),
    ...changes,
  });
}

test("what was set aside is tried again, and counted", async () => {
  await store.enqueue([makeMessage("one"), makeMessage("two")]);
  const [first] = store.read.waiting(1);
  await store.park(first?.position ?? 0, "MQTT_TOO_LARGE");
  expect(store.read.waiting(10)).toHaveLength(1);
  expect(await handlers().retry({ id: "a" })).toEqual({ retry: { messages: 1 } });
  expect(store.read.waiting(10)).toHaveLength(2);
  expect(await handlers().retry({ id: "b" })).toEqual({ retry: { messages: 0 } });
});

test("the present health message is answered, and before the first there is none", async () => {
  expect(await handlers({ health: () => health }).health({ id: "a" })).toEqual({ health });
  expect(() => handlers().health({ id: "a" })).toThrow(expect.objectContaining({ code: "HEALTH_NOT_YET" }));
});

test("a self-test is answered with its checks and nothing else", async () => {
  const checks = [{ name: "model", ok: false, code: "SELFCHECK_MODEL", durationMs: 3 }] as const;
  const report = { ok: false, checks, reference: "own" } as const;
  expect(await handlers({ selftest: async () => report }).selftest({ id: "a" })).toEqual({
    selftest: { ok: false, checks },
  });
});

test("a result leaves in a reply as at its own topic", async () => {
  expect(await handlers().infer({ id: "a", image: "QUJD" })).toMatchObject({ infer: { reference: "p1-code" } });
});
