import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Cache, ENTRY_BYTES } from "./cache.ts";
import { sampleVault } from "./testing/vault.ts";

let folder: string;
let path: string;
let cache: Cache;

const MIB = 2 ** 20;
const open = (maxBytes = MIB, vault = sampleVault(1)) => new Cache({ path, maxBytes, vault });
const value = (text: string) => Buffer.from(text);
const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cache-"));
  path = join(folder, "cache.db");
  cache = open();
});

afterEach(() => {
  cache.close();
  rmSync(folder, { recursive: true });
});

test("a value comes back under its namespace and key, and nowhere else, also after closing", () => {
  cache.set("raster", "k", value("one"));
  cache.set("result", "k", value("two"));
  cache.close();
  cache = open();
  expect(text(cache.get("raster", "k"))).toBe("one");
  expect(text(cache.get("result", "k"))).toBe("two");
  expect(cache.get("attention", "k")).toBeUndefined();
  expect(cache.stats).toMatchObject({ hits: 2, misses: 1, entries: 2, damaged: 0 });
});

test("the newest value of a key replaces the old one and its bytes", () => {
  cache.set("raster", "k", value("x".repeat(100)));
  cache.set("raster", "k", value("new"));
  expect(text(cache.get("raster", "k"))).toBe("new");
  expect(cache.stats).toMatchObject({ entries: 1, bytes: "raster".length + 1 + 3 + ENTRY_BYTES });
});

test("a damaged entry is dropped, counted, a miss, and can be stored again", () => {
  cache.set("result", "k", value("good value"));
  cache.set("result", "other", value("kept"));
  const vandal = new DatabaseSync(path);
  vandal.exec(
    "UPDATE entries SET value = CAST(substr(value, 1, 20) || x'00' || substr(value, 22) AS BLOB) WHERE id = 1",
  );
  vandal.close();
  expect(cache.get("result", "k")).toBeUndefined();
  expect(cache.stats).toMatchObject({ damaged: 1, hits: 0, misses: 1, entries: 1 });
  expect(text(cache.get("result", "other"))).toBe("kept");
  cache.set("result", "k", value("good value"));
  expect(text(cache.get("result", "k"))).toBe("good value");
});

test("a value that strayed to another key is damage", () => {
  cache.set("result", "a", value("of a"));
  cache.set("result", "b", value("of b"));
  const vandal = new DatabaseSync(path);
  vandal.exec("UPDATE entries SET value = (SELECT value FROM entries WHERE id = 1)");
  vandal.close();
  expect(cache.get("result", "b")).toBeUndefined();
  expect(text(cache.get("result", "a"))).toBe("of a");
  expect(cache.stats.damaged).toBe(1);
});

test("neither key nor value stands in the file", () => {
  cache.set("result", "key-in-the-open", value("value-in-the-open"));
  cache.close();
  const bytes = readFileSync(path);
  for (const words of ["key-in-the-open", "value-in-the-open"]) expect(bytes.includes(words)).toBe(false);
  expect(bytes.includes("entries")).toBe(true);
});

test("under another encryption key nothing is found, nothing is damage, and the old value goes with its age", () => {
  cache.set("result", "k", value("old"));
  cache.close();
  cache = open(MIB, sampleVault(2, 1));
  expect(cache.get("result", "k")).toBeUndefined();
  expect(cache.stats).toMatchObject({ damaged: 0, misses: 1, entries: 1 });
  cache.set("result", "k", value("new"));
  expect(text(cache.get("result", "k"))).toBe("new");
});

test("what an older version left in the open is gone", () => {
  cache.close();
  rmSync(path);
  const older = new DatabaseSync(path);
  older.exec(`CREATE TABLE entries (id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, key TEXT NOT NULL, used INTEGER NOT NULL,
    costBytes INTEGER NOT NULL, checksum BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (namespace, key)) STRICT;
    CREATE INDEX entriesByUse ON entries (used, costBytes);
    INSERT INTO entries VALUES (1, 'result', 'k', 1, 10, x'00', CAST('value-in-the-open' AS BLOB)); PRAGMA user_version = 1`);
  older.close();
  cache = open();
  expect(cache.stats).toMatchObject({ entries: 0, bytes: 0, damaged: 0 });
  cache.close();
  expect(readFileSync(path).includes("value-in-the-open")).toBe(false);
});

test.each(["truncated", "zeroed", "emptied"])("a %s file is set aside, not deleted, and rebuilt", (how) => {
  for (let index = 0; index < 100; index++) cache.set("raster", String(index), value("x".repeat(1000)));
  cache.close();
  const size = statSync(path).size;
  if (how === "zeroed") writeFileSync(path, Buffer.alloc(size));
  else truncateSync(path, how === "emptied" ? 0 : 10_000);
  const before = readFileSync(path);
  cache = open();
  expect(readFileSync(`${path}.damaged`).equals(before)).toBe(true);
  expect(cache.stats).toMatchObject({ damaged: 1, entries: 0, bytes: 0 });
  expect(cache.set("raster", "k", value("v"))).toBe(true);
  expect(text(cache.get("raster", "k"))).toBe("v");
});

test("damage that shows only while running costs the file, never an error", () => {
  for (let index = 0; index < 500; index++) cache.set("raster", String(index), value("x".repeat(1000)));
  cache.close();
  const bytes = readFileSync(path);
  bytes.fill(0xff, 8 * 4096);
  writeFileSync(path, bytes);
  cache = open();
  for (let index = 0; index < 500; index++) cache.get("raster", String(index));
  expect(cache.stats.damaged).toBeGreaterThan(0);
  expect(existsSync(`${path}.damaged`)).toBe(true);
  expect(cache.set("raster", "k", value("v"))).toBe(true);
  expect(text(cache.get("raster", "k"))).toBe("v");
});

test("a value larger than the whole cache is not kept", () => {
  cache.close();
  cache = open(1000);
  expect(cache.set("raster", "k", value("x".repeat(1000)))).toBe(false);
  expect(cache.stats.entries).toBe(0);
});

test("a write another process blocks is counted and costs only the value", () => {
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  expect(cache.set("raster", "k", value("v"))).toBe(false);
  other.exec("ROLLBACK");
  other.close();
  expect(cache.stats.failed).toBe(1);
  expect(cache.set("raster", "k", value("v"))).toBe(true);
});

test("the order of use outlives closing", () => {
  cache.close();
  const cost = "raster".length + 1 + 10 + ENTRY_BYTES;
  cache = open(2 * cost);
  cache.set("raster", "a", value("0123456789"));
  cache.set("raster", "b", value("0123456789"));
  cache.get("raster", "a");
  cache.close();
  cache = open(2 * cost);
  cache.set("raster", "c", value("0123456789"));
  expect(cache.get("raster", "b")).toBeUndefined();
  expect(text(cache.get("raster", "a"))).toBe("0123456789");
});

test("a folder that is not there is an error by name", () => {
  expect(() => new Cache({ path: join(folder, "no", "c.db"), maxBytes: MIB, vault: sampleVault(1) })).toThrow(
    expect.objectContaining({ code: "CACHE_OPEN" }),
  );
});

interface ModelEntry {
  readonly key: string;
  readonly size: number;
}

/** The same cache as a list, least recently used first. */
class Model {
  readonly #maxBytes: number;
  #entries: ModelEntry[] = [];
  evicted = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { key, size }) => sum + "raster".length + key.length + size + ENTRY_BYTES, 0);
  }

  get(key: string): number | undefined {
    const found = this.#entries.find((entry) => entry.key === key);
    if (found !== undefined) this.#entries = [...this.#entries.filter((entry) => entry !== found), found];
    return found?.size;
  }

  set(key: string, size: number): void {
    this.#entries = [...this.#entries.filter((entry) => entry.key !== key), { key, size }];
    for (; this.bytes > this.#maxBytes; this.evicted++) this.#entries.shift();
  }
}

const step = fc.oneof(
  fc.record({ does: fc.constant("get" as const), key: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h") }),
  fc.record({
    does: fc.constant("set" as const),
    key: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"),
    size: fc.integer({ min: 0, max: 400 }),
  }),
  fc.record({ does: fc.constant("reopen" as const) }),
);

test("under any sequence of uses the cache holds what a least-recently-used list holds, within its bytes", () => {
  let run = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const file = join(folder, `model-${run++}.db`);
      let subject = new Cache({ path: file, maxBytes: 1200, vault: sampleVault(1) });
      const model = new Model(1200);
      let evicted = 0;
      for (const one of steps) {
        if (one.does === "get") expect(subject.get("raster", one.key)?.length).toBe(model.get(one.key));
        else if (one.does === "set") {
          subject.set("raster", one.key, Buffer.alloc(one.size, one.key));
          model.set(one.key, one.size);
        } else {
          evicted += subject.stats.evicted;
          subject.close();
          subject = new Cache({ path: file, maxBytes: 1200, vault: sampleVault(1) });
        }
        expect(subject.stats.bytes).toBe(model.bytes);
        expect(evicted + subject.stats.evicted).toBe(model.evicted);
      }
      subject.close();
    }),
    { numRuns: 40 },
  );
});
