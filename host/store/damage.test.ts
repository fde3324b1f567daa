import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { GroupCommit } from "./group-commit.ts";
import { ResultReader } from "./reader.ts";
import { ResultStore } from "./results.ts";
import { makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";

const vault = sampleVault(1);
let folder: string;
let path: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
  path = join(folder, "results.db");
  const store = new ResultStore({ path, vault, utcMs: () => 0 });
  await Promise.all(Array.from({ length: 100 }, () => store.append(makeResult)));
  store.close();
});

afterEach(() => rmSync(folder, { recursive: true }));

const open = () => new ResultStore({ path, vault, utcMs: () => 0 });
const coded = (code: string) => expect.objectContaining({ code });

test.each([0, 1, 1000, 4096, 20_000])("a file cut off at %i bytes is refused by name and left alone", (size) => {
  truncateSync(path, size);
  expect(open).toThrow(coded("STORE_DAMAGED"));
  expect(statSync(path).size).toBe(size);
});

test("a zeroed file is refused by name", () => {
  writeFileSync(path, Buffer.alloc(statSync(path).size));
  expect(open).toThrow(coded("STORE_DAMAGED"));
  expect(() => ResultReader.open(path, vault)).toThrow(coded("STORE_DAMAGED"));
});

test("a zeroed page anywhere is refused by name", () => {
  const bytes = readFileSync(path);
  for (let page = 0; page < bytes.length / 4096; page++) {
    writeFileSync(path, Buffer.from(bytes).fill(0, page * 4096, (page + 1) * 4096));
    expect(open, `page ${page}`).toThrow(coded("STORE_DAMAGED"));
  }
});

test("a journal without its database is refused by name: it may hold results", () => {
  rmSync(path);
  writeFileSync(`${path}-wal`, "results");
  expect(open).toThrow(coded("STORE_DAMAGED"));
});

test("a result or a message with one bit changed, and one in another's place, is refused by name", () => {
  const db = new DatabaseSync(path);
  const flip = "CAST(substr(body, 1, 20) || X'00' || substr(body, 22) AS BLOB)";
  db.exec(`UPDATE results SET body = ${flip} WHERE sequence = 7`);
  db.exec("UPDATE results SET body = (SELECT body FROM results WHERE sequence = 9) WHERE sequence = 8");
  db.exec("UPDATE outbox SET payload = X'01' WHERE position = 7");
  db.close();
  const reader = ResultReader.open(path, vault);
  expect(() => reader.listFrom(7, 1)).toThrow(coded("STORE_DAMAGED"));
  expect(() => reader.listFrom(8, 1)).toThrow(coded("STORE_DAMAGED"));
  expect(() => reader.outbox(1, 6)).toThrow(coded("STORE_DAMAGED"));
  expect(reader.listFrom(9, 1)).toHaveLength(1);
  reader.close();
});

test("where it is heard of, a row that does not open is named and the others are given", () => {
  const db = new DatabaseSync(path);
  db.exec("UPDATE results SET body = X'00' WHERE sequence = 7");
  db.exec("UPDATE outbox SET payload = X'01' WHERE position BETWEEN 4 AND 6");
  db.exec("UPDATE outbox SET parkedUtcMs = 5, parkedCode = 'WHY' WHERE position = 5");
  db.close();
  const reader = ResultReader.open(path, vault);
  const heard: unknown[] = [];
  const hear = (head: { readonly sequence: number } | { readonly position: number }, code: string) =>
    heard.push(["sequence" in head ? head.sequence : head.position, code]);
  expect(reader.listFrom(6, 3, hear).map(({ sequence }) => sequence)).toEqual([6, 8]);
  expect(reader.list({ limit: 100 }, hear)).toHaveLength(99);
  expect(reader.findByReference("reference-7", 9, hear)).toEqual([]);
  expect(reader.findByFile("f".repeat(64), 100, hear)).toHaveLength(99);
  expect(heard.splice(0)).toEqual(Array(4).fill([7, "STORE_DAMAGED"]));
  expect(reader.outbox(2, 3, hear).map(({ position }) => position)).toEqual([7, 8]);
  expect(heard).toEqual([
    [4, "STORE_DAMAGED"],
    [6, "STORE_DAMAGED"],
  ]);
  expect(reader.parked(9)).toMatchObject([{ position: 5, parkedCode: "WHY", payloadBytes: 8 }]);
  expect(reader.waiting(4).map(({ position }) => position)).toEqual([1, 2, 3, 4]);
  reader.close();
});

test("a file of a newer version is refused by name", () => {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  db.close();
  expect(open).toThrow(coded("STORE_NEWER"));
  expect(() => ResultReader.open(path, vault)).toThrow(coded("STORE_NEWER"));
});

test("a folder that is not there, and a folder in the file's place, are refused by name", () => {
  expect(() => new ResultStore({ path: join(folder, "no", "x.db"), vault, utcMs: () => 0 })).toThrow(
    coded("STORE_OPEN"),
  );
  expect(() => new ResultStore({ path: folder, vault, utcMs: () => 0 })).toThrow(coded("STORE_OPEN"));
});

test("another process that holds the database for too long is an error by name, and passes", async () => {
  const store = new ResultStore({ path, vault, utcMs: () => 0, busyTimeoutMs: 20 });
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await expect(store.append(makeResult)).rejects.toMatchObject({ code: "STORE_BUSY" });
  other.exec("ROLLBACK");
  other.close();
  expect((await store.append(makeResult)).sequence).toBe(101);
  store.close();
});

test("migrations run once each, in order, and keep the rows", () => {
  const file = join(folder, "other.db");
  const first = "CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1);";
  openDatabase(file, { synchronous: "FULL", migrations: [first] }).close();
  const second = "ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a + 1;";
  const schema = { synchronous: "FULL", migrations: [first, second] } as const;
  openDatabase(file, schema).close();
  const db = openDatabase(file, schema);
  expect(db.prepare("SELECT * FROM t").all()).toEqual([{ a: 1, b: 2 }]);
  db.close();
});

test("a migration that fails leaves the file as it was", () => {
  const file = join(folder, "other.db");
  const first = "CREATE TABLE t (a INTEGER) STRICT;";
  openDatabase(file, { synchronous: "FULL", migrations: [first] }).close();
  const broken = { synchronous: "FULL", migrations: [first, "DROP TABLE t; DROP TABLE absent;"] } as const;
  expect(() => openDatabase(file, broken)).toThrow(coded("STORE_INTERNAL"));
  const db = openDatabase(file, { synchronous: "FULL", migrations: [first] });
  expect(db.prepare("SELECT * FROM t").all()).toEqual([]);
  db.close();
});

test("a transaction that cannot be committed fails all its writers by name, and the next one is served", async () => {
  const db = new DatabaseSync(join(folder, "group.db"));
  db.exec("PRAGMA foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY)");
  db.exec("CREATE TABLE child (parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
  let undone = 0;
  const group = new GroupCommit(db, {
    path,
    queueMax: 10,
    groupMax: 10,
    onBegin: () => {},
    onCommit: () => {},
    onRollback: () => undone++,
  });
  const orphan = group.run(() => db.exec("INSERT INTO child VALUES (7)"));
  const beside = group.run(() => db.exec("INSERT INTO parent VALUES (1)"));
  for (const outcome of await Promise.allSettled([orphan, beside])) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: expect.stringMatching(/^STORE_/) } });
  }
  expect(undone).toBe(1);
  await group.run(() => db.exec("INSERT INTO parent VALUES (2)"));
  expect(db.prepare("SELECT id FROM parent").all()).toEqual([{ id: 2 }]);
  db.close();
});
