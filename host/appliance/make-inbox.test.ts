import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KeyRing } from "../base/key-ring.ts";
import { Vault } from "../base/vault.ts";
import { loadConfig } from "../config/load.ts";
import type { Inbox } from "../ingest/inbox.ts";
import { makeInbox } from "./make-inbox.ts";

let folder: string;
let inbox: Inbox | undefined;
let processed: number;
let skipped: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-make-inbox-"));
  [processed, skipped] = [0, 0];
});
afterEach(async () => {
  await inbox?.stop();
  rmSync(folder, { recursive: true });
});

/** Puts a film in whose bytes had a result with this status before, and waits until it is gone. */
async function put(settings: string, status: string | null): Promise<void> {
  writeFileSync(join(folder, "lv06.yaml"), `dataDir: .\n${settings}`);
  const { config } = loadConfig({ file: join(folder, "lv06.yaml"), env: {}, cwd: folder, installDir: folder });
  const found = status === null ? [] : [{ resultId: "before", status } as never];
  inbox = makeInbox(config, {
    process: async () => {
      processed += 1;
      return { kind: "result", recorded: true, data: {} as never };
    },
    refused: async () => {},
    delayed: () => {},
    timeTrusted: () => true,
    vault: new Vault(KeyRing.parse(randomBytes(32).toString("hex")), { random: randomBytes }),
    results: { findByFile: () => found },
    duplicate: () => {
      skipped += 1;
    },
  });
  mkdirSync(join(folder, "inbox"));
  writeFileSync(join(folder, "inbox", "film.png"), "film");
  await inbox.start();
  await vi.waitFor(() => expect(existsSync(join(folder, "inbox", "film.png"))).toBe(false), { timeout: 20_000 });
}

test.each([
  ["repeated", "ingest: { settleMs: 0 }", "preliminary", [1, 0]],
  ["skipped where that is wanted", "ingest: { settleMs: 0, duplicates: skip }", "preliminary", [0, 1]],
  ["skipped for a corrected result too", "ingest: { settleMs: 0, duplicates: skip }", "corrected", [0, 1]],
  [
    "processed where its result was taken back",
    "ingest: { settleMs: 0, duplicates: skip }",
    "entered-in-error",
    [1, 0],
  ],
  ["processed where it has none", "ingest: { settleMs: 0, duplicates: skip }", null, [1, 0]],
  ["processed in training", "mode: training\ningest: { settleMs: 0, duplicates: skip }", "preliminary", [1, 0]],
] as const)("a film that was there before is %s", async (_, settings, status, counts) => {
  await put(settings, status);
  expect([processed, skipped]).toEqual(counts);
});
