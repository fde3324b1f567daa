import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { GroupCommit } from "./group-commit.ts";

let folder: string;
let db: DatabaseSync;
let group: GroupCommit;
let begins: number;
let rollbacks: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-"));
  const path = join(folder, "x.db");
  db = openDatabase(path, { synchronous: "FULL", migrations: ["CREATE TABLE t (a TEXT NOT NULL) STRICT"] });
  begins = 0;
  rollbacks = 0;
  group = new GroupCommit(db, {
    path,
    queueMax: 100,
    groupMax: 10,
    onBegin: () => {
      begins += 1;
    },
    onCommit: () => {},
    onRollback: () => {
      rollbacks += 1;
    },
  });
});

afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const insert = (text: string) => () => db.prepare("INSERT INTO t VALUES (?)").run(text);
const texts = () =>
  db
    .prepare("SELECT a FROM t")
    .all()
    .map(({ a }) => a);

test("writes of one tick share transactions of the size asked for", async () => {
  await Promise.all(Array.from({ length: 25 }, (_, index) => group.run(insert(String(index)))));
  expect(begins).toBe(3);
  expect(texts()).toHaveLength(25);
});

test("an operation that throws half-way takes its own rows with it and no others", async () => {
  const half = () => {
    insert("half")();
    throw new Error("half-way");
  };
  const outcomes = await Promise.allSettled([group.run(insert("a")), group.run(half), group.run(insert("b"))]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(texts()).toEqual(["a", "b"]);
});

test("when the disk is full nobody of the group is told that it was stored, and the next group works", async () => {
  db.exec("PRAGMA max_page_count = 1");
  const outcomes = await Promise.allSettled([group.run(insert("a")), group.run(insert("x".repeat(100_000)))]);
  const stored = texts();
  expect(stored).toEqual(outcomes[0]?.status === "fulfilled" ? ["a"] : []);
  expect(outcomes[1]).toMatchObject({ status: "rejected", reason: { code: "STORE_DISK_FULL" } });
  db.exec("PRAGMA max_page_count = 100000");
  await group.run(insert("b"));
  expect(texts()).toEqual([...stored, "b"]);
});

test("when the commit fails everybody of the group hears it and nothing is stored", async () => {
  const sabotage = () => db.exec("COMMIT");
  const outcomes = await Promise.allSettled([group.run(insert("a")), group.run(sabotage)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(rollbacks).toBe(1);
});
