import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { ResultReader } from "./reader.ts";
import { ResultStore } from "./results.ts";
import { makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";
import { dataOf, digestOf, payloadOf, referenceOf, writeVersion2 } from "./testing/version-2.ts";

const vault = sampleVault(1);
let folder: string;
let path: string;
const DAY_MS = 86_400_000;
let nowMs = 0;
const open = () => new ResultStore({ path, vault, utcMs: () => nowMs });
beforeEach(() => {
  nowMs = Date.now();
  folder = mkdtempSync(join(tmpdir(), "lv06-migration-"));
  path = join(folder, "results.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a database of version 2, brought up to date", () => {
  beforeEach(() => writeVersion2(path));

  test("keeps every result as it was", () => {
    const store = open();
    const expected = [1, 2, 3, 4, 5, 6].map((sequence) => ({
      ...{ sequence, resultId: `id-${sequence}`, utcMs: 1000 + sequence, status: "preliminary", replaces: null },
      ...{ reference: referenceOf(sequence), pseudonym: null, data: dataOf(sequence) },
      ...{ fileDigest: digestOf(sequence), rasterDigest: digestOf(sequence + 100) },
    }));
    expect(store.read.listFrom(1, 10)).toEqual(expected);
    expect(store.read.findByReference("film-1.png").map(({ sequence }) => sequence)).toEqual([4, 1]);
    expect(store.read.findByFile(digestOf(3)).map(({ sequence }) => sequence)).toEqual([3]);
    store.close();
  });

  test("keeps every commitment, batch and seal", () => {
    const store = open();
    const { seals } = store.read;
    expect(seals.counts()).toEqual({ seals: 1, sealedResults: 2, waiting: 3 });
    expect([...seals.ledger()]).toEqual(["the seal"]);
    expect(seals.worked()).toMatchObject({ batch: 2, size: 1, seal: null, prunedUtcMs: null });
    expect(seals.membersOf(1).map(({ resultId }) => resultId)).toEqual(["id-1", "id-2"]);
    expect(seals.waiting(10).map(({ resultId }) => resultId)).toEqual(["id-4", "id-5"]);
    expect(seals.of("id-6")).toBeUndefined();
    store.close();
  });

  test("keeps every waiting message in its place, and gives no number twice", async () => {
    const store = open();
    const waiting = store.pending(10);
    const names = ["result-id-5", "seal-11", "an event", "result-id-6"];
    expect(waiting.map(({ messageId, position, utcMs }) => [messageId, position, utcMs])).toEqual(
      names.map((name, i) => [name, i + 2, 3001 + i]),
    );
    expect(waiting.map(({ payload }) => Buffer.from(payload).toString())).toEqual(names.map((n) => `${payloadOf(n)}`));
    expect(store.outbox).toMatchObject({ rows: 4, bytes: names.reduce((sum, n) => sum + payloadOf(n).length, 0) });
    expect((await store.append(makeResult)).sequence).toBe(9);
    expect(store.pending(10).at(-1)?.position).toBe(7);
    store.close();
  });

  test("is kept as it was for a week, and nothing of it can be read after that", async () => {
    const before = new DatabaseSync(path);
    before.exec(`
      PRAGMA secure_delete = OFF;
      CREATE TABLE gone (text TEXT) STRICT;
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
      INSERT INTO gone SELECT 'deleted long ago' FROM n;
      DROP TABLE gone`);
    before.close();
    expect(readFileSync(path, "latin1")).toContain("deleted long ago");
    const store = open();
    const old = new DatabaseSync(`${path}.v2`, { readOnly: true });
    expect(old.prepare("SELECT count(*) AS n FROM results").get()).toEqual({ n: 6 });
    old.close();
    await store.append(makeResult);
    store.close();
    const madeMs = statSync(`${path}.v2`).mtimeMs;
    for (const [ageMs, isThere] of [
      [0, true],
      [-DAY_MS, true],
      [7 * DAY_MS - 1000, true],
      [7 * DAY_MS + 1000, false],
    ] as const) {
      nowMs = madeMs + ageMs;
      open().close();
      expect(existsSync(`${path}.v2`), `${ageMs}`).toBe(isThere);
    }
    const left = readdirSync(folder).map((name) => readFileSync(join(folder, name), "latin1"));
    for (const words of ["film-1.png", "the payload of", 'ller"', digestOf(3), "deleted long ago"]) {
      expect(
        left.some((text) => text.includes(words)),
        words,
      ).toBe(false);
    }
  });

  test("is refused by readers until then, and left alone where a row is damaged", () => {
    expect(() => ResultReader.open(path, vault)).toThrow(expect.objectContaining({ code: "STORE_OLDER" }));
    const db = new DatabaseSync(path);
    db.exec("UPDATE results SET data = '{' WHERE sequence = 4");
    db.close();
    expect(open).toThrow(expect.objectContaining({ code: "STORE_DAMAGED" }));
    const after = new DatabaseSync(path);
    expect(after.prepare("SELECT count(*) AS n FROM results").get()).toEqual({ n: 6 });
    expect(after.prepare("PRAGMA user_version").get()).toEqual({ user_version: 2 });
    after.close();
  });
});

describe("a migration that makes a table anew", () => {
  const first = `
    CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT; INSERT INTO parent VALUES (1);
    CREATE TABLE child (id INTEGER REFERENCES parent (id)) STRICT; INSERT INTO child VALUES (1);`;
  const again = (rows: string) => (db: DatabaseSync) =>
    db.exec(`CREATE TABLE parent2 (id INTEGER PRIMARY KEY, b TEXT) STRICT; INSERT INTO parent2 SELECT id, 'b' FROM parent ${rows};
      DROP TABLE parent; ALTER TABLE parent2 RENAME TO parent;`);

  test("keeps what refers to it, and foreign keys hold again afterwards", () => {
    openDatabase(path, { synchronous: "FULL", migrations: [first] }).close();
    const db = openDatabase(path, { synchronous: "FULL", migrations: [first, again("")] });
    expect(db.prepare("SELECT b FROM child JOIN parent USING (id)").all()).toEqual([{ b: "b" }]);
    expect(() => db.exec("INSERT INTO child VALUES (2)")).toThrow(/FOREIGN KEY/);
    db.close();
  });

  test("is undone where something refers to a row that it left out", () => {
    openDatabase(path, { synchronous: "FULL", migrations: [first] }).close();
    const broken = { synchronous: "FULL", migrations: [first, again("WHERE id > 1")] } as const;
    expect(() => openDatabase(path, broken)).toThrow(expect.objectContaining({ code: "STORE_DAMAGED" }));
    const db = openDatabase(path, { synchronous: "FULL", migrations: [first] });
    expect(db.prepare("SELECT * FROM parent").all()).toEqual([{ id: 1 }]);
    db.close();
  });
});
