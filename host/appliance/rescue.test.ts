import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readMessage } from "../mqtt/envelope.ts";
import { IDENTITY, result } from "../mqtt/testing/samples.ts";
import type { ResultToBind } from "../seal/commitment.ts";
import { openResultStore } from "../store/open-store.ts";
import type { ResultStore } from "../store/results.ts";
import { sampleVault } from "../store/testing/vault.ts";
import { checkStoredLedger } from "./ledger-check.ts";
import { receiptOf } from "./receipts.ts";
import { makeRescue } from "./rescue.ts";
import { SealedStore } from "./testing/sealed-store.ts";

const PAGE = 4096;
let folder: string;
let path: string;
let saved: ResultStore;

/** Five results, three of them sealed; then the first page is lost, and with it the word of what was delivered. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "rescue-"));
  path = join(folder, "results.db");
  const sealed = new SealedStore(path);
  for (let sequence = 1; sequence <= 5; sequence++) {
    // All that a result says, not only what binds it; nothing is published yet.
    const data = { ...result, resultId: `id-${sequence}`, sequence, seal: "pending", appliance: "ward-3" } as const;
    await sealed.append(data as ResultToBind);
    if (sequence === 3) await sealed.seal(0);
  }
  sealed.store.close();
  writeFileSync(path, readFileSync(path).fill(0, 0, PAGE));
  saved = openResultStore({
    ...{ path, vault: sampleVault(1), utcMs: () => 1_700_000_001_000, rescue: makeRescue(IDENTITY) },
  });
});

afterEach(() => {
  saved.close();
  rmSync(folder, { recursive: true });
});

test("the ledger of a saved store is sound, and receipts are derived from it", () => {
  const report = checkStoredLedger(saved.read, {}, () => {});
  expect(report).toMatchObject({ chain: { ok: true, head: { seals: 1, results: 3 } }, checkedResults: 5, fault: null });
  expect(receiptOf(saved.read, "id-2").result).toMatchObject({ resultId: "id-2", sequence: 2 });
});

test("what may not have been delivered is sent as it was, and what happened is told", () => {
  const messages = saved.pending(100).map(({ messageId, payload }) => ({ messageId, ...readMessage(payload) }));
  expect(messages.map(({ messageId, kind }) => [kind, messageId])).toEqual([
    ...[1, 2, 3, 4, 5].map((n) => ["result", `result-id-${n}`]),
    ["seal", expect.stringMatching(/^seal-[0-9a-f]{64}$/)],
    ["event", expect.any(String)],
  ]);
  expect(messages[4]?.data).toEqual({ ...result, resultId: "id-5", sequence: 5, seal: "pending", appliance: "ward-3" });
  expect(messages.at(-1)?.data).toMatchObject({ kind: "store-restored", saved: 5, lost: 0, queuedAgain: 6 });
});

test("what binds a result is told of one that says it is bound, and of no other", () => {
  const { commitmentOf } = makeRescue(IDENTITY);
  const bound = { ...result, seal: "pending" };
  expect(commitmentOf(bound)).toHaveLength(32);
  expect(commitmentOf(result)).toBeNull();
  expect(() => commitmentOf({ ...bound, probability: 0.123456 })).toThrow(
    expect.objectContaining({ code: "SEAL_RESULT" }),
  );
});
