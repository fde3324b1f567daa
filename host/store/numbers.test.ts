import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ResultStore } from "./results.ts";
import { makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";

let folder: string;
let path: string;
let store: ResultStore | undefined;
const mark = () => Number.parseInt(readFileSync(join(folder, "high-water"), "utf8"), 10);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-numbers-"));
  path = join(folder, "results.db");
});

afterEach(() => {
  store?.close();
  rmSync(folder, { recursive: true });
});

function open(): ResultStore {
  store?.close();
  store = new ResultStore({ path, vault: sampleVault(1), utcMs: () => 0 });
  return store;
}

async function append(count: number): Promise<number> {
  const made = await Promise.all(Array.from({ length: count }, () => store?.append(makeResult)));
  return made.at(-1)?.sequence ?? 0;
}

test("numbers go on without a gap from one life to the next, always below what is reserved", async () => {
  for (const [count, last] of [
    [300, 300],
    [600, 900],
    [1, 901],
  ] as const) {
    open();
    expect(store?.continuation).toBeNull();
    expect(await append(count)).toBe(last);
    expect(mark()).toBeGreaterThanOrEqual(last);
  }
});

test("an older copy of the database goes on above every number that was given after it", async () => {
  open();
  await append(3);
  open();
  store?.close();
  cpSync(path, join(folder, "backup"));
  open();
  await append(600);
  store?.close();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  cpSync(join(folder, "backup"), path);
  const reserved = mark();
  expect(reserved).toBeGreaterThanOrEqual(603);
  expect(open().continuation).toEqual({ from: 3, to: reserved });
  expect(await append(1)).toBe(reserved + 1);
  expect(open().continuation).toBeNull();
  expect(await append(1)).toBe(reserved + 2);
});

test("so does a copy that was made while the appliance ran, and one of a life that took every number", async () => {
  open();
  for (const [made, given] of [
    [300, 480],
    [520, 1480],
  ] as const) {
    expect(await append(made)).toBeGreaterThan(0);
    const from = store?.read.list({ limit: 1 })[0]?.sequence ?? 0;
    const copy = join(folder, "running");
    rmSync(copy, { force: true });
    const db = new DatabaseSync(path);
    db.prepare("VACUUM INTO ?").run(copy);
    db.close();
    const last = await append(given - made);
    store?.close();
    expect(mark()).toBe(last);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
    cpSync(copy, path);
    expect(open().continuation).toEqual({ from, to: last });
    expect(await append(1)).toBe(last + 1);
  }
});

test("after a clean stop and after a kill no number is left out", async () => {
  open();
  await append(3);
  const killed = readFileSync(join(folder, "high-water"));
  store?.close();
  store?.close();
  expect(mark()).toBe(3);
  writeFileSync(join(folder, "high-water"), killed);
  expect(open().continuation).toBeNull();
  expect(await append(1)).toBe(4);
  expect(open().continuation).toBeNull();
  expect(await append(1)).toBe(5);
});

test("so does an empty database in the place of one that is gone", async () => {
  open();
  await append(5);
  store?.close();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  open();
  expect(await append(1)).toBe(mark() - 999);
  expect(mark()).toBeGreaterThan(1001);
});

test("a kill between the database's reservation and the file's costs no number", async () => {
  open();
  await append(5);
  store?.close();
  writeFileSync(join(folder, "high-water"), "7\n");
  expect(open().continuation).toBeNull();
  expect(await append(1)).toBe(6);
});

test("a high-water file that says nothing is written anew", async () => {
  open();
  await append(1);
  store?.close();
  writeFileSync(join(folder, "high-water"), "zzz");
  open();
  expect(await append(1)).toBe(2);
  expect(mark()).toBe(1001);
});

test("where the file cannot be written nothing new is stored, the rest works, and it passes", async () => {
  const inTheWay = join(folder, "high-water.new");
  mkdirSync(inTheWay);
  open();
  await expect(append(1)).rejects.toMatchObject({ code: "STORE_OPEN" });
  await store?.enqueue([]);
  expect(existsSync(join(folder, "high-water"))).toBe(false);
  rmSync(inTheWay, { recursive: true });
  await store?.enqueue([]);
  expect(await append(1)).toBe(1);
});
