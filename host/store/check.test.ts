import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkStore } from "./check.ts";
import { ResultStore } from "./results.ts";
import { makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";

const PAGE = 4096;
const RESULTS = 600;
const vault = sampleVault(1);
let folder: string;
let path: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "check-"));
  path = join(folder, "results.db");
  const store = new ResultStore({ path, vault, utcMs: () => 0 });
  await Promise.all(Array.from({ length: RESULTS }, () => store.append(makeResult)));
  store.close();
});

afterEach(() => rmSync(folder, { recursive: true }));

function spoil(page: number): void {
  writeFileSync(path, readFileSync(path).fill(0xff, (page - 1) * PAGE, page * PAGE));
}

function rootOf(name: string): number {
  const db = new DatabaseSync(path);
  const root = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(name)?.rootpage;
  db.close();
  return Number(root);
}

test("a store that is whole has all its results and messages, and no fault", () => {
  expect(checkStore(path, vault)).toEqual({
    ...{ results: RESULTS, messages: RESULTS, faults: [], unopened: [], salvaged: null },
  });
});

test("rows that do not open are named, and the others counted", () => {
  const db = new DatabaseSync(path);
  db.exec("UPDATE results SET body = X'00' WHERE sequence IN (1, 300)");
  db.exec("UPDATE outbox SET payload = X'00' WHERE position = 300");
  db.close();
  const { results, messages, unopened } = checkStore(path, vault);
  expect([results, messages]).toEqual([RESULTS - 2, RESULTS - 1]);
  expect(unopened.map(({ code }) => code)).toEqual(["STORE_DAMAGED", "STORE_DAMAGED", "STORE_DAMAGED"]);
});

test("a damaged table is a fault, and what was read before it counts", () => {
  spoil(rootOf("outbox"));
  const { results, messages, faults } = checkStore(path, vault);
  expect([results, messages]).toEqual([RESULTS, 0]);
  expect(faults.length).toBeGreaterThan(0);
});

test("a file that is no database any more is a fault too", () => {
  spoil(1);
  const { faults } = checkStore(path, vault);
  expect(faults.join()).toContain("not a database");
});
