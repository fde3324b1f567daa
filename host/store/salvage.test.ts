import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Vault } from "../base/vault.ts";
import { openResultStore, setAside } from "./open-store.ts";
import { ResultStore } from "./results.ts";
import { makeMessage } from "./testing/make-result.ts";
import { makeBatch, makeBoundResult, sampleRescue } from "./testing/rescue.ts";
import { sampleVault } from "./testing/vault.ts";

const PAGE = 4096;
const NOBODY = 65_534;
const RESULTS = 60;
const vault = sampleVault(1);
const coded = (code: string) => expect.objectContaining({ code });
let folder: string;
let path: string;
let store: ResultStore | undefined;

/** 60 results, 1 to 40 in two sealed batches, 41 to 50 in the one that is worked; an event; 1 to 20 are delivered. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "salvage-"));
  path = join(folder, "results.db");
  const made = new ResultStore({ path, vault, utcMs: () => 0 });
  await Promise.all(
    Array.from({ length: RESULTS }, () =>
      made.append((sequence) => makeBoundResult(sequence, { reference: `${sequence} ${"x".repeat(700)}` })),
    ),
  );
  await made.enqueue([{ ...makeMessage("an event"), messageId: "event" }]);
  for (const [index, from] of [1, 21].entries()) {
    const { seal, ...batch } = makeBatch(`batch ${index + 1}`, 20);
    const number = await made.closeBatch(
      batch,
      Array.from({ length: 20 }, (_, i) => from + i),
    );
    await made.sealBatch(number, seal, [{ ...makeMessage(seal), messageId: `seal-batch ${number}` }]);
  }
  const { seal, ...worked } = makeBatch("worked", 10);
  await made.closeBatch(
    worked,
    Array.from({ length: 10 }, (_, i) => 41 + i),
  );
  expect(seal).toBeDefined();
  await made.acknowledge(Array.from({ length: 20 }, (_, i) => i + 1));
  made.close();
});

afterEach(() => {
  store?.close();
  store = undefined;
  rmSync(folder, { recursive: true });
});

function open(keys: Vault = vault): ResultStore {
  store?.close();
  store = openResultStore({ path, vault: keys, utcMs: () => 1_000, rescue: sampleRescue() });
  return store;
}

const report = () => store?.salvaged;

const sequences = () => store?.read.listFrom(1, 1e6).map(({ sequence }) => sequence) ?? [];
const waiting = () => store?.pending(1e6).map(({ messageId }) => messageId) ?? [];
const upTo = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Pages, from 1 on, whose content is a table's rows with this text. */
function pagesWith(text: string): number[] {
  const bytes = readFileSync(path);
  const all = Array.from({ length: bytes.length / PAGE }, (_, i) => i + 1);
  return all.filter((page) => bytes.subarray((page - 1) * PAGE, page * PAGE).includes(text));
}

function zero(page: number): void {
  writeFileSync(path, readFileSync(path).fill(0, (page - 1) * PAGE, page * PAGE));
}

test("a healthy store is opened as it is, and nothing is beside it", () => {
  open();
  expect(sequences()).toEqual(upTo(RESULTS));
  expect(report()).toBeNull();
  expect(setAside(path)).toEqual([]);
});

test("without its first page everything is saved, in a new file with the old one beside it, byte for byte", async () => {
  zero(1);
  const damaged = readFileSync(path);
  open();
  expect(sequences()).toEqual(upTo(RESULTS));
  expect(store?.read.get("id-7")).toMatchObject({ sequence: 7, reference: expect.stringMatching(/^7 x+$/) });
  expect(setAside(path)).toEqual(["results.db.damaged-19700101T000001Z"]);
  expect(readFileSync(`${path}.damaged-19700101T000001Z`).equals(damaged)).toBe(true);
  expect(report()).toMatchObject({
    saved: RESULTS,
    lost: 0,
    lostFrom: null,
    file: "results.db.damaged-19700101T000001Z",
  });
  expect((await store?.append(makeBoundResult))?.sequence).toBe(RESULTS + 1);
  expect(readdirSync(folder).filter((name) => /saved|moving/.test(name))).toEqual([]);
});

test("whichever page is lost, the rest is saved, in its order, with its seals, and numbers go on above all", async () => {
  const pages = readFileSync(path).length / PAGE;
  const whole = readFileSync(path);
  // Some now, each in the long form (test/power).
  for (let page = 1; page <= pages; page += 5) {
    writeFileSync(path, whole);
    zero(page);
    open();
    const saved = sequences();
    expect(saved.length, `page ${page}`).toBeGreaterThan(RESULTS - 12);
    const { seals } = store?.read ?? {};
    const bound = saved.map((sequence) => seals?.of(`id-${sequence}`));
    expect(
      bound.every((row) => row !== undefined),
      `page ${page}`,
    ).toBe(true);
    const batched = bound.filter((row) => row?.batch != null);
    // A page that held nothing costs nothing.
    if (setAside(path).length === 0) expect(saved).toEqual(upTo(RESULTS));
    else {
      expect([0, 20, 40]).toContain(batched.length);
      expect(seals?.worked()).toBeUndefined();
    }
    expect((await store?.append(makeBoundResult))?.sequence, `page ${page}`).toBe(RESULTS + 1);
    store?.close();
    for (const name of readdirSync(folder)) if (/damaged/.test(name)) rmSync(join(folder, name));
    writeFileSync(join(folder, "high-water"), `${RESULTS} exact\n`);
  }
}, 120_000);

test("messages that wait are kept in their order, and what is recent is made anew behind them", () => {
  zero(Math.max(...pagesWith("results").filter((page) => page > 1), 2));
  zero(1);
  open();
  expect(waiting().slice(0, 43)).toEqual([
    ...upTo(RESULTS, 21).map((n) => `result-id-${n}`),
    "event",
    "seal-batch 1",
    "seal-batch 2",
  ]);
  expect(waiting().slice(43)).toEqual([...upTo(20).map((n) => `result-id-${n}`), "restored"]);
});

test("where the disk gives an older page of the outbox, the message that it lacks is made anew", async () => {
  const before = readFileSync(path);
  const { sequence } = await open().append((next) => makeBoundResult(next));
  store?.close();
  const after = readFileSync(path);
  const leaf = pagesWith(`result-id-${sequence}`).find(
    (page) => isOutboxLeaf(after, page) && isOutboxLeaf(before, page),
  );
  if (leaf === undefined) throw new Error("its message is on a new page");
  before.copy(after, (leaf - 1) * PAGE, (leaf - 1) * PAGE, leaf * PAGE);
  writeFileSync(path, after);
  const db = new DatabaseSync(path);
  const roots = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'resultsByTime'").get();
  db.close();
  zero(Number(roots?.rootpage));
  open();
  expect(sequences()).toEqual(upTo(sequence));
  expect(waiting()).toContain(`result-id-${sequence}`);
  expect(report()).toMatchObject({ messages: 43, lost: 0 });
});

/** Of its table, not of its indexes. */
function isOutboxLeaf(bytes: Buffer, page: number): boolean {
  const content = bytes.subarray((page - 1) * PAGE, page * PAGE);
  return content[0] === 0x0d && content.includes("lv06/v1/");
}

test("what seals and binds results is kept; what was being sealed waits again", () => {
  zero(1);
  open();
  const seals = store?.read.seals;
  expect([...(seals?.ledger() ?? [])]).toEqual([makeBatch("batch 1", 20).seal, makeBatch("batch 2", 20).seal]);
  expect(seals?.membersOf(2).map(({ sequence }) => sequence)).toEqual(upTo(40, 21));
  expect(seals?.waiting(100).map(({ sequence }) => sequence)).toEqual(upTo(60, 41));
});

test("of a sealed batch that lacks a result, the others wait for a seal anew, and the seal stays", () => {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA foreign_keys = OFF; DELETE FROM results WHERE sequence = 30");
  db.close();
  zero(1);
  open();
  const seals = store?.read.seals;
  expect(seals?.batch(2)).toMatchObject({ prunedUtcMs: 1_000, seal: makeBatch("batch 2", 20).seal });
  expect(seals?.waiting(100).map(({ sequence }) => sequence)).toEqual(upTo(60, 21).filter((n) => n !== 30));
  expect(report()).toMatchObject({ saved: 59, lost: 1, lostFrom: 30, lostTo: 30 });
});

test("a result that does not open, or is not what binds it, is left behind; one whose binding is lost is bound anew", async () => {
  const db = new DatabaseSync(path);
  db.exec("UPDATE results SET body = zeroblob(100) WHERE sequence = 50");
  db.exec("UPDATE commitments SET commitment = zeroblob(32) WHERE sequence = 51");
  db.exec("DELETE FROM commitments WHERE sequence = 52");
  db.exec("UPDATE commitments SET signature = zeroblob(64) WHERE sequence = 53");
  db.close();
  zero(1);
  open();
  expect(sequences()).toEqual(upTo(60).filter((n) => n !== 50 && n !== 51));
  let signed = 0;
  await store?.resign(Buffer.alloc(32, 7), () => Buffer.alloc(64, ++signed), 100);
  expect(signed).toBe(2);
  expect(store?.read.seals.waiting(100).map(({ sequence }) => sequence)).toContain(52);
});

test("a key that is missing is no damage: nothing is moved and nothing is made, damaged or not", () => {
  const strange = sampleVault(2);
  expect(() => open(strange)).toThrow(coded("VAULT_KEY_UNKNOWN"));
  zero(1);
  const before = readFileSync(path);
  expect(() => open(strange)).toThrow(coded("VAULT_KEY_UNKNOWN"));
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(setAside(path)).toEqual([]);
  open(sampleVault(2, 1));
  expect(sequences()).toEqual(upTo(RESULTS));
});

test("nor is a missing one among several: rows of it are not left behind", async () => {
  const both = new ResultStore({ path, vault: sampleVault(2, 1), utcMs: () => 0 });
  await both.append(makeBoundResult);
  await both.append(makeBoundResult);
  both.close();
  zero(1);
  expect(() => open(vault)).toThrow(coded("VAULT_KEY_UNKNOWN"));
  open(sampleVault(2, 1));
  expect(sequences()).toEqual(upTo(RESULTS + 2));
});

test("a file that ends within a page is damaged, whatever SQLite reads for the rest of it", () => {
  const pages = readFileSync(path).length / PAGE;
  for (const cut of [1, 50, 300, 512, 4000]) {
    copyFileSync(path, `${path}.whole`);
    truncateSync(path, pages * PAGE - cut);
    open().close();
    expect(setAside(path)).toHaveLength(1);
    for (const name of setAside(path)) rmSync(join(folder, name));
    renameSync(`${path}.whole`, path);
  }
});

test("one row that is left, and names no key, is damage too where keys are noted", () => {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA secure_delete = ON; DELETE FROM outbox; DELETE FROM commitments");
  db.exec("DELETE FROM results WHERE sequence <> 5");
  db.exec("UPDATE results SET keyId = zeroblob(8)");
  db.close();
  truncateSync(path, readFileSync(path).length - 1);
  open();
  expect(sequences()).toEqual([]);
});

test("one row alone under a key that nobody has is damage, and left behind", () => {
  const db = new DatabaseSync(path);
  db.exec("UPDATE results SET keyId = zeroblob(8) WHERE sequence = 5");
  db.close();
  zero(1);
  open();
  expect(sequences()).toEqual(upTo(60).filter((n) => n !== 5));
});

test("after a kill numbers go on above all that were reserved, also where nothing can be saved", async () => {
  writeFileSync(join(folder, "high-water"), "1060\n");
  writeFileSync(path, Buffer.alloc(20 * PAGE));
  open();
  expect(sequences()).toEqual([]);
  expect((await store?.append(makeBoundResult))?.sequence).toBe(1061);
});

test("without a high-water file they go on above what the database had reserved", async () => {
  rmSync(join(folder, "high-water"));
  zero(1);
  open();
  expect((await store?.append(makeBoundResult))?.sequence).toBeGreaterThan(1000);
});

test("what is only in the journal is saved too, also where the database itself is gone", () => {
  const live = new ResultStore({ path, vault, utcMs: () => 0 });
  const db = new DatabaseSync(path);
  db.exec("PRAGMA wal_autocheckpoint = 0; UPDATE results SET status = 'corrected'");
  cpSync(path, join(folder, "copy"));
  cpSync(`${path}-wal`, join(folder, "copy-wal"));
  db.close();
  live.close();
  cpSync(join(folder, "copy-wal"), `${path}-wal`);
  rmSync(path);
  open();
  expect(store?.read.listFrom(1, 100).map(({ status }) => status)).toEqual(Array(RESULTS).fill("corrected"));
  expect(existsSync(`${path}.damaged-19700101T000001Z-wal`)).toBe(true);
});

test("cut off anywhere, it is opened, and what it held before the cut is there", () => {
  const size = readFileSync(path).length;
  for (let length = 0; length < size; length += 12_289) {
    const copy = mkdtempSync(join(folder, "cut-"));
    cpSync(path, join(copy, "results.db"));
    truncateSync(join(copy, "results.db"), length);
    const cut = openResultStore({ path: join(copy, "results.db"), vault, utcMs: () => 0, rescue: sampleRescue() });
    const found = cut.read.listFrom(1, 100).length;
    cut.close();
    expect(found).toBeGreaterThanOrEqual(Math.max(0, Math.floor((length / size) * 20) - 10));
  }
});

test("five are set aside without asking, then the disk is what is wrong", () => {
  for (let i = 0; i < 5; i++) {
    zero(1);
    open();
  }
  store?.close();
  expect(setAside(path)).toHaveLength(5);
  zero(1);
  expect(() => open()).toThrow(coded("STORE_DAMAGED_AGAIN"));
  rmSync(`${path}.damaged-19700101T000001Z-3`);
  open();
  expect(sequences()).toEqual(upTo(RESULTS));
}, 240_000);

test("a file of an older or a newer form is not saved from, and stays where it is", () => {
  for (const [version, code] of [
    [2, "STORE_DAMAGED"],
    [9, "STORE_NEWER"],
  ] as const) {
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA user_version = ${version}`);
    db.close();
    zero(2);
    expect(() => open()).toThrow(coded(code));
    expect(setAside(path)).toEqual([]);
  }
});

test("what SQLite finds damaged while it runs is told once, and saved at the next start", async () => {
  let told = 0;
  const running = new ResultStore({ path, vault, utcMs: () => 0, damaged: () => told++ });
  const bytes = readFileSync(path);
  writeFileSync(path, Buffer.concat([bytes.subarray(0, PAGE), Buffer.alloc(bytes.length - PAGE)]));
  // Another's write has the pages read anew.
  const other = new DatabaseSync(path);
  other.exec("PRAGMA application_id = 5");
  other.close();
  for (let i = 0; i < 2; i++) await expect(running.append(makeBoundResult)).rejects.toEqual(coded("STORE_DAMAGED"));
  running.close();
  expect(told).toBe(1);
  writeFileSync(path, bytes);
  open();
  expect(sequences()).toEqual(upTo(RESULTS));
  expect(report()).toMatchObject({ saved: RESULTS });
  open();
  expect(setAside(path)).toHaveLength(1);
});

test("moves that were interrupted are finished, wherever they were", () => {
  zero(1);
  open().close();
  const aside = setAside(path)[0] ?? "";
  // As after the note, before any move.
  writeFileSync(`${path}.moving`, `${aside}\n`);
  cpSync(path, `${path}.saved`);
  cpSync(join(folder, aside), path);
  rmSync(join(folder, aside));
  writeFileSync(`${path}-wal`, "old");
  open();
  expect(sequences()).toEqual(upTo(RESULTS));
  expect(readFileSync(join(folder, `${aside}-wal`), "utf8")).toBe("old");
  // As after the last move.
  store?.close();
  writeFileSync(`${path}.moving`, `${aside}\n`);
  open();
  expect(sequences()).toEqual(upTo(RESULTS));
  expect(setAside(path)).toEqual([aside]);
  expect(existsSync(`${path}.moving`)).toBe(false);
});

test("a folder that cannot be written leaves everything as it was", () => {
  zero(1);
  chmodSync(folder, 0o500);
  const restore = asNobody([folder, ...readdirSync(folder).map((name) => join(folder, name))]);
  try {
    expect(() => open()).toThrow(coded("STORE_OPEN"));
  } finally {
    restore();
    chmodSync(folder, 0o700);
  }
  expect(setAside(path)).toEqual([]);
});

/** To root no folder is closed: as root, nobody owns these and acts until the returned function is called. */
function asNobody(owned: readonly string[]): () => void {
  if (process.geteuid?.() !== 0) return () => undefined;
  for (const each of owned) chownSync(each, NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
  return () => process.seteuid?.(0);
}

test.each([
  ["a look into the outbox", "outbox", (open: ResultStore) => open.pending(10)],
  ["a lookup of a result", "results", (open: ResultStore) => open.read.listFrom(1, 1e6)],
  ["a lookup of a seal", "commitments", (open: ResultStore) => open.read.seals.waiting(100)],
  ["a look for what may be removed", "batches", (open: ResultStore) => open.upkeep.removable()],
])("what %s finds damaged is told once, and saved at the next start", async (_, table, find) => {
  let told = 0;
  const openOnce = () =>
    openResultStore({ path, vault, utcMs: () => 1_000, rescue: sampleRescue(), damaged: () => told++ });
  store = openOnce();
  spoil(table);
  for (let again = 0; again < 2; again++) {
    await expect((async () => find(store as ResultStore))()).rejects.toThrow(coded("STORE_DAMAGED"));
  }
  expect(told).toBe(1);
  store.close();
  store = openOnce();
  expect(store.salvaged).toMatchObject({ file: "results.db.damaged-19700101T000001Z" });
  expect(told).toBe(1);
});

/** While it is open: its pages are overwritten on the disk, and another connection's write has them read again. */
function spoil(table: string): void {
  const other = new DatabaseSync(path);
  const roots = other.prepare("SELECT rootpage FROM sqlite_schema WHERE tbl_name = ?").all(table);
  other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const bytes = readFileSync(path);
  for (const { rootpage } of roots) bytes.fill(0xff, (Number(rootpage) - 1) * PAGE, Number(rootpage) * PAGE);
  writeFileSync(path, bytes);
  other.exec("INSERT INTO meta VALUES ('another', 1)");
  other.close();
}
