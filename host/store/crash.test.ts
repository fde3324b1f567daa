import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { resultsSchema } from "./migrations.ts";
import { ResultReader } from "./reader.ts";
import { ResultStore } from "./results.ts";
import { makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";

const WRITER = new URL("./testing/writer.ts", import.meta.url).pathname;
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
  path = join(folder, "results.db");
});

afterEach(() => rmSync(folder, { recursive: true }));

/** @returns the lines `sequence resultId` the writer reported before it was killed, right after line `count` */
async function writeUntilKilled(count: number): Promise<string[]> {
  const writer = spawn(process.execPath, [WRITER, path], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(writer, "exit");
  const lines: string[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    lines.push(line);
    if (lines.length === count) writer.kill("SIGKILL");
  }
  await exit;
  return lines;
}

test("after kill -9 every result reported durable is there with its message, and the sequence has no gap", async () => {
  const reported: string[] = [];
  for (let cycle = 0; cycle < 8; cycle++) {
    reported.push(...(await writeUntilKilled(1 + Math.floor(Math.random() * 60))));
    const store = new ResultStore({ path, vault: sampleVault(1), utcMs: () => 0 });
    const results = store.read.listFrom(1, 1e6);
    const messages = store.pending(1e6).map(({ payload }) => Buffer.from(payload).toString());
    store.close();
    expect(results.map(({ sequence }) => sequence)).toEqual(results.map((_, index) => index + 1));
    expect(messages).toEqual(results.map(({ resultId }) => resultId));
    expect(new Set(results.map(({ sequence, resultId }) => `${sequence} ${resultId}`))).toEqual(
      new Set([...results.map(({ sequence, resultId }) => `${sequence} ${resultId}`), ...reported]),
    );
  }
  expect(reported.length).toBeGreaterThan(8);
});

test("a reader in another process than the writer sees whole results only", async () => {
  new ResultStore({ path, vault: sampleVault(1), utcMs: () => 0 }).close();
  const writing = writeUntilKilled(150);
  const reader = ResultReader.open(path, sampleVault(1));
  let seen = 0;
  let done = false;
  const finished = writing.finally(() => {
    done = true;
  });
  while (!done) {
    const results = reader.listFrom(1, 1e6);
    expect(results.length).toBeGreaterThanOrEqual(seen);
    expect(results.at(-1)?.sequence ?? 0).toBe(results.length);
    seen = results.length;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await finished;
  reader.close();
  expect(seen).toBeGreaterThanOrEqual(100);
});

test("an interrupted creation leaves nothing that hinders the next start", async () => {
  openDatabase(`${path}.new`, resultsSchema(sampleVault(1))).close();
  const store = new ResultStore({ path, vault: sampleVault(1), utcMs: () => 0 });
  expect((await store.append(makeResult)).sequence).toBe(1);
  store.close();
});
