import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ResultReader } from "./reader.ts";
import { ResultStore } from "./results.ts";
import { makeMessage, makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";

let folder: string;
let path: string;
let store: ResultStore;
const open = (vault = sampleVault(1)) => new ResultStore({ path, vault, utcMs: () => 0 });
const sequences = (found: readonly { readonly sequence: number }[]) => found.map(({ sequence }) => sequence);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-encryption-"));
  path = join(folder, "results.db");
  store = open();
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

test("nothing that tells of an image or its result lies readable on the disk, before closing or after", async () => {
  const [reference, fileDigest, rasterDigest] = ["Mustermann.png", "ab".repeat(32), "cd".repeat(32)];
  const change = { reference, pseudonym: "p1-xyz", fileDigest, rasterDigest, data: { decision: "positive" } };
  await store.append((next) => makeResult(next, { ...change, messages: [makeMessage("decision: positive")] }));
  const look = () => {
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    expect(files.some((bytes) => bytes.length > 4096)).toBe(true);
    for (const words of [reference, "p1-xyz", "positive", fileDigest, rasterDigest]) {
      for (const form of [Buffer.from(words), Buffer.from(words, "hex")]) {
        if (form.length > 3)
          expect(
            files.filter((bytes) => bytes.includes(form)),
            words,
          ).toEqual([]);
      }
    }
  };
  look();
  store.close();
  look();
});

test("a result is found by reference, by what was published in its place, and by its file", async () => {
  const digest = (byte: string) => byte.repeat(32);
  await store.append((next) => makeResult(next, { reference: "x", pseudonym: "p1-x", fileDigest: digest("aa") }));
  await store.append((next) => makeResult(next, { reference: "y", pseudonym: null, fileDigest: digest("bb") }));
  await store.append((next) => makeResult(next, { reference: null, pseudonym: null, fileDigest: digest("aa") }));
  for (const [reference, found] of [
    ["x", [1]],
    ["p1-x", [1]],
    ["y", [2]],
    ["z", []],
  ] as const) {
    expect(sequences(store.read.findByReference(reference)), reference).toEqual(found);
  }
  expect(sequences(store.read.findByFile(digest("aa")))).toEqual([3, 1]);
  expect(sequences(store.read.findByFile(digest("aa"), 1))).toEqual([3]);
});

test("the newest result that replaces another is found, and says so of itself", async () => {
  const { resultId } = await store.append(makeResult);
  for (let i = 0; i < 2; i++) {
    await store.append((next) => makeResult(next, { status: "corrected", replaces: resultId }));
  }
  expect(store.read.replacedBy(resultId)).toMatchObject({ sequence: 3, status: "corrected", replaces: resultId });
  expect(store.read.replacedBy("nobody")).toBeUndefined();
});

test("a wrong key is said by name, by the writer and by readers, and nothing is changed", async () => {
  await store.append(makeResult);
  store.close();
  const before = readFileSync(path);
  expect(() => open(sampleVault(2))).toThrow(expect.objectContaining({ code: "VAULT_KEY_UNKNOWN" }));
  expect(() => ResultReader.open(path, sampleVault(2))).toThrow(expect.objectContaining({ code: "VAULT_KEY_UNKNOWN" }));
  expect(readFileSync(path).equals(before)).toBe(true);
  store = open();
  expect(store.read.list({ limit: 9 })).toHaveLength(1);
});

describe("a row that names a key which nobody has", () => {
  const names = (changes: string) => {
    store.close();
    const db = new DatabaseSync(path);
    db.exec(changes);
    db.close();
  };
  /** The first bit of the key's name. */
  const flipped = () => {
    const [first = 0, ...rest] = sampleVault(1).currentKeyId;
    return `X'${Buffer.from([first ^ 0x80, ...rest]).toString("hex")}'`;
  };
  const unknown = expect.objectContaining({ code: "VAULT_KEY_UNKNOWN" });

  beforeEach(async () => {
    for (let i = 0; i < 6; i++) await store.append(makeResult);
  });

  test("is one damaged row, and all others are read", () => {
    names(`UPDATE results SET keyId = ${flipped()} WHERE sequence = 3;
           UPDATE outbox SET keyId = ${flipped()} WHERE position = 5`);
    store = open();
    const reader = ResultReader.open(path, sampleVault(1));
    for (const read of [store.read, reader]) {
      const unopened: unknown[] = [];
      const found = read.listFrom(1, 10, ({ sequence }, code) => unopened.push([sequence, code]));
      expect([sequences(found), unopened]).toEqual([[1, 2, 4, 5, 6], [[3, "STORE_DAMAGED"]]]);
    }
    reader.close();
    expect(store.pending(10, 0, () => {}).map(({ position }) => position)).toEqual([1, 2, 3, 4, 6]);
  });

  test("is no damage where several rows agree on it: that key is missing", () => {
    names(`UPDATE results SET keyId = ${flipped()} WHERE sequence <= 4`);
    expect(() => open()).toThrow(unknown);
    expect(() => ResultReader.open(path, sampleVault(1))).toThrow(unknown);
    names("DELETE FROM results; DELETE FROM outbox");
    store = open();
  });

  test("is no damage where the key was ever in use, be it for one row: that key is missing", async () => {
    store.close();
    store = open(sampleVault(2, 1));
    await store.append((next) => makeResult(next, { messages: [] }));
    store.close();
    expect(() => open(sampleVault(1))).toThrow(unknown);
    names("UPDATE results SET keyId = (SELECT keyId FROM results WHERE sequence = 7) WHERE sequence = 1");
    expect(() => open(sampleVault(2))).toThrow(unknown);
    store = open(sampleVault(1, 2));
  });

  test("is believed in a store that never noted its keys", () => {
    names("DELETE FROM meta WHERE name = 'keyIds'; DELETE FROM results WHERE sequence > 1; DELETE FROM outbox");
    expect(() => open(sampleVault(2))).toThrow(unknown);
    names(`UPDATE results SET keyId = ${flipped()}`);
    expect(() => open()).toThrow(unknown);
    names("DELETE FROM results");
    store = open();
  });
});

test("after a change of keys the old ones are read and found, encrypted anew, and then the old key may go", async () => {
  await Promise.all(Array.from({ length: 200 }, () => store.append((n) => makeResult(n, { pseudonym: `p1-${n}` }))));
  store.close();
  store = open(sampleVault(2, 1));
  await store.append((next) => makeResult(next, { reference: "reference-7" }));
  expect(sequences(store.read.findByReference("reference-7"))).toEqual([201, 7]);
  expect(store.upkeep.toReseal).toBe(400);
  const rounds: number[] = [];
  while (rounds.at(-1) !== 0) rounds.push(await store.upkeep.reseal());
  expect(rounds).toEqual([256, 144, 0]);
  store.close();
  store = open(sampleVault(2));
  expect(store.upkeep.toReseal).toBe(0);
  expect(sequences(store.read.findByReference("reference-7"))).toEqual([201, 7]);
  expect(sequences(store.read.findByReference("p1-9"))).toEqual([9]);
  expect(store.pending(1000).map(({ payload }) => Buffer.from(payload).toString())).toEqual(
    store.read.listFrom(1, 1000).map(({ sequence }) => `result ${sequence}`),
  );
});

test("more damaged rows than one slice has keep no other under the old key, and are tried once", async () => {
  await Promise.all(
    Array.from({ length: 310 }, (_, i) => store.append((n) => makeResult(n, i < 5 ? {} : { messages: [] }))),
  );
  store.close();
  const db = new DatabaseSync(path);
  db.exec(
    "UPDATE results SET body = X'00' WHERE sequence <= 300; UPDATE outbox SET payload = X'00' WHERE position <= 2",
  );
  db.close();
  store = open(sampleVault(2, 1));
  const rounds: number[] = [];
  while (rounds.at(-1) !== 0) rounds.push(await store.upkeep.reseal());
  expect(rounds).toEqual([256, 59, 0]);
  expect(store.upkeep.toReseal).toBe(302);
  expect(sequences(store.read.findByReference("reference-305"))).toEqual([305]);
});

test("a message that waits already is not stored again, and counts once", async () => {
  const message = makeMessage("once");
  await store.enqueue([message, makeMessage("other")]);
  await store.enqueue([message]);
  expect(store.pending(10).map(({ messageId }) => messageId)).toHaveLength(2);
  expect(store.outbox).toMatchObject({ rows: 2, bytes: 9 });
  expect(store.read.outboxCounts()).toEqual({ rows: 2, bytes: 9 });
});

test("of messages that were set aside, those of a code are tried again by themselves", async () => {
  await store.enqueue([makeMessage("a"), makeMessage("b"), makeMessage("c")]);
  await store.park(1, "MQTT_TOO_LARGE");
  await store.park(3, "MQTT_LOST");
  await store.unpark(["MQTT_LOST", "MQTT_BLAMED"]);
  expect(store.pending(10).map(({ position }) => position)).toEqual([2, 3]);
});

test("a message that was set aside waits no longer, until all are tried again", async () => {
  await store.enqueue([makeMessage("a"), makeMessage("b")]);
  await store.park(1, "MQTT_TOO_LARGE");
  expect(store.pending(10).map(({ position }) => position)).toEqual([2]);
  expect(store.read.parked(10)).toMatchObject([{ position: 1, parkedCode: "MQTT_TOO_LARGE" }]);
  let woken = 0;
  store.onMessages(() => woken++);
  await store.unpark();
  expect(woken).toBe(1);
  expect(store.pending(10).map(({ position }) => position)).toEqual([1, 2]);
});
