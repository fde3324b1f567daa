import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ResultStore } from "./results.ts";
import type { Binding } from "./schema.ts";
import { makeMessage, makeResult } from "./testing/make-result.ts";
import { sampleVault } from "./testing/vault.ts";

let folder: string;
let store: ResultStore;
let utcMs = 0;

const open = () => new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: () => utcMs });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-upkeep-"));
  utcMs = 0;
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
const BINDING: Binding = { commitment: filled(1), signature: filled(2, 64), publicKey: filled(3) };
const left = () => store.read.listFrom(1, 10_000).map(({ sequence }) => sequence);

/** @returns their sequence numbers */
async function append(count: number, binding: Binding | null, delivered = true): Promise<number[]> {
  const made = await Promise.all(
    Array.from({ length: count }, () => store.append((next) => makeResult(next, { binding }))),
  );
  if (delivered) await store.acknowledge(store.pending(10_000).map(({ position }) => position));
  return made.map(({ sequence }) => sequence);
}

/** @returns the batch's number */
async function seal(sequences: readonly number[], closedUtcMs: number, sealed = true): Promise<number> {
  const value = Buffer.alloc(32);
  value.writeUInt32BE(sequences[0] ?? 0);
  const hashes = { root: filled(4), previous: filled(5), sealedValue: value };
  const batch = await store.closeBatch({ ...hashes, size: sequences.length, closedUtcMs }, sequences);
  if (sealed) await store.sealBatch(batch, `seal ${batch}`, []);
  return batch;
}

describe("what may be removed", () => {
  test("is the oldest batch that is sealed and delivered", async () => {
    await seal(await append(2, BINDING), 200);
    const older = await seal(await append(2, BINDING), 100);
    await append(2, BINDING);
    expect(store.upkeep.removable()).toMatchObject({
      begun: undefined,
      batch: { batch: older, closedUtcMs: 100 },
      unboundUtcMs: undefined,
    });
  });

  test("is nothing that waits for its seal", async () => {
    await append(2, BINDING);
    await seal(await append(2, BINDING), 1, false);
    expect(store.upkeep.removable().batch).toBeUndefined();
  });

  test("is nothing that waits for the broker or was set aside, be it one of a batch or unbound", async () => {
    const sequences = await append(3, BINDING, false);
    await append(1, null, false);
    const batch = await seal(sequences, 1);
    const waiting = store.pending(10).map(({ position }) => position);
    await store.acknowledge(waiting.slice(1, 3));
    await store.park(waiting[0] ?? 0, "MQTT_TOO_LARGE");
    expect(store.upkeep.removable()).toMatchObject({ begun: undefined, batch: undefined, unboundUtcMs: undefined });
    await store.acknowledge(waiting);
    expect(store.upkeep.removable()).toMatchObject({ batch: { batch }, unboundUtcMs: 1_000_004 });
  });
});

describe("a batch that is removed", () => {
  test("goes in slices, says that it began and when, and goes on after a restart", async () => {
    const batch = await seal(await append(260, BINDING), 1);
    await append(2, BINDING);
    utcMs = 77;
    expect(await store.upkeep.pruneBatch(batch)).toBe(256);
    expect(store.upkeep.removable().begun).toBe(batch);
    store.close();
    utcMs = 88;
    store = open();
    expect(store.upkeep.removable().begun).toBe(batch);
    expect(await store.upkeep.pruneBatch(batch)).toBe(4);
    expect(store.upkeep.removable()).toMatchObject({ begun: undefined, batch: undefined, unboundUtcMs: undefined });
    expect(left()).toEqual([261, 262]);
    expect(store.read.prunedThrough).toBe(260);
    expect(store.read.seals.batch(batch)).toMatchObject({ size: 260, prunedUtcMs: 77, seal: `seal ${batch}` });
    expect(store.read.seals.membersOf(batch)).toEqual([]);
  });

  test("leaves the ledger, the counts and the numbering as they were", async () => {
    const batch = await seal(await append(3, BINDING), 1);
    await append(1, BINDING);
    await store.upkeep.pruneBatch(batch);
    expect([...store.read.seals.ledger()]).toEqual([`seal ${batch}`]);
    expect(store.read.seals.counts()).toEqual({ seals: 1, sealedResults: 3, waiting: 1 });
    expect(store.read.count()).toBe(1);
    expect(await append(1, null)).toEqual([5]);
  });

  test("gives its room back to what comes", async () => {
    const batch = await seal(await append(400, BINDING), 1);
    const full = store.read.usage();
    while ((await store.upkeep.pruneBatch(batch)) > 0);
    const empty = store.read.usage();
    expect(empty.usedBytes).toBeLessThan(full.usedBytes / 3);
    await append(200, BINDING);
    expect(store.read.usage().fileBytes).toBe(empty.fileBytes);
  });
});

test("seals whose results are gone are removed from the oldest on, and the counts and the newest seal stay", async () => {
  const batches = [];
  for (let i = 0; i < 4; i++) batches.push(await seal(await append(2, BINDING), i));
  for (const batch of [0, 1, 3]) await store.upkeep.pruneBatch(batches[batch] ?? 0);
  const { seals } = store.read;
  const before = { counts: seals.counts(), bytes: store.upkeep.removable().ledgerBytes };
  expect(store.upkeep.removable().ledgerRemovable).toBe(true);
  expect(await store.upkeep.pruneLedger()).toBe(2);
  expect(store.upkeep.removable().ledgerRemovable).toBe(false);
  expect(await store.upkeep.pruneLedger()).toBe(0);
  expect(seals.counts()).toEqual(before.counts);
  expect(seals.base()).toEqual({ seals: 2, results: 4, head: `00000003${"0".repeat(56)}` });
  await store.upkeep.pruneBatch(batches[2] ?? 0);
  expect(await store.upkeep.pruneLedger()).toBe(1);
  expect([...seals.ledger()]).toEqual([`seal ${batches[3]}`]);
  expect(seals.base()).toMatchObject({ seals: 3, results: 6 });
  expect(store.upkeep.removable().ledgerBytes).toBeLessThan(before.bytes / 3);
});

test("results that were never bound are removed up to a time, oldest first, and not before they are delivered", async () => {
  await append(4, null);
  await append(1, null, false);
  expect(await store.upkeep.pruneUnbound(1_000_002)).toBe(2);
  expect(left()).toEqual([3, 4, 5]);
  expect(await store.upkeep.pruneUnbound(Number.MAX_SAFE_INTEGER)).toBe(2);
  expect(left()).toEqual([5]);
  expect(store.read.prunedThrough).toBe(4);
});

describe("behind more than is looked at at once", () => {
  /** Waits for the broker, or was delivered. */
  const unbound = async (count: number, firstUtcMs: number, delivered: boolean) => {
    const messages = (text: string) => (delivered ? [] : [makeMessage(text)]);
    const made = Array.from({ length: count }, (_, at) =>
      store.append((next) => makeResult(next, { utcMs: firstUtcMs + at, messages: messages(`${at}`) })),
    );
    await Promise.all(made);
  };

  test("what may go is found in the end, and again once what was passed over may go too", async () => {
    await unbound(2500, 1, false);
    await unbound(3, 9_000, true);
    const looks = () => {
      const seen: (number | undefined)[] = [];
      for (let more = true; more; ) {
        const facts = store.upkeep.removable();
        seen.push(facts.unboundUtcMs);
        more = facts.more;
      }
      return seen;
    };
    expect(looks()).toEqual([undefined, undefined, 9_000]);
    expect(await store.upkeep.pruneUnbound(9_001)).toBe(2);
    expect(looks()).toEqual([9_002]);
    await store.acknowledge(store.pending(10).map(({ position }) => position));
    expect(await store.upkeep.pruneUnbound(Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(looks()).toEqual([undefined]);
    expect(looks()).toEqual([1]);
    expect(await store.upkeep.pruneUnbound(Number.MAX_SAFE_INTEGER)).toBe(10);
  });

  test("what was passed over and may go by now is found, although something behind it may go and stays", async () => {
    await append(1, null, false);
    const [passed] = store.pending(1).map(({ position }) => position);
    await store.append((next) => makeResult(next, { messages: [] }));
    expect(store.upkeep.removable().unboundUtcMs).toBe(1_000_002);
    await store.acknowledge([passed ?? 0]);
    const found = () => store.upkeep.removable().unboundUtcMs;
    expect(Array.from({ length: 400 }, found)).toContain(1_000_001);
  });

  test("batches that wait for the broker hold none up that does not", async () => {
    for (let at = 0; at < 40; at++) await seal(await append(1, BINDING, false), at);
    const last = store.pending(100).at(-1)?.position ?? 0;
    await store.acknowledge([last]);
    expect(store.upkeep.removable()).toMatchObject({ batch: undefined, more: true });
    expect(store.upkeep.removable()).toMatchObject({ batch: { closedUtcMs: 39 }, more: false });
  });

  test("old events are found behind other old messages, also where all are of one moment", async () => {
    await store.enqueue(Array.from({ length: 1_100 }, (_, at) => makeMessage(`${at}`, "x/seal")));
    await store.enqueue([makeMessage("event", "x/event")]);
    expect(await store.upkeep.ageMessages("x/event", utcMs + 1)).toBe(0);
    expect(await store.upkeep.ageMessages("x/event", utcMs + 1)).toBe(1);
    expect(store.outbox.rows).toBe(1_100);
  });

  test("seals are counted once, and again where removing them was undone", async () => {
    const batches = [];
    for (let at = 0; at < 4; at++) batches.push(await seal(await append(1, BINDING), at));
    const bytes = store.upkeep.removable(false).ledgerBytes;
    expect(store.upkeep.removable(false).ledgerBytes).toBe(bytes);
    for (const batch of batches.slice(0, 2)) await store.upkeep.pruneBatch(batch);
    await store.upkeep.pruneLedger();
    expect(store.upkeep.removable(false).ledgerBytes).toBe(bytes / 2);
    await seal(await append(1, BINDING), 9);
    const all = store.upkeep.removable(false).ledgerBytes;
    store.close();
    store = open();
    expect(store.upkeep.removable(false).ledgerBytes).toBe(all);
  });
});

test("old messages of a topic are removed, those of results and of other topics stay", async () => {
  await append(1, null, false);
  await store.enqueue([makeMessage("old event", "x/event"), makeMessage("old seal", "x/seal")]);
  utcMs = 100;
  await store.enqueue([makeMessage("new event", "x/event")]);
  expect(await store.upkeep.ageMessages("x/event", 100)).toBe(1);
  const texts = store.pending(10).map(({ payload }) => Buffer.from(payload).toString());
  expect(texts).toEqual(["result 1", "old seal", "new event"]);
  expect(store.outbox).toMatchObject({ rows: 3, bytes: texts.join("").length });
  await store.enqueue([]);
  expect(store.read.outboxCounts()).toEqual({ rows: 3, bytes: texts.join("").length });
});

test("another site key than the one before is told once, over a restart too", async () => {
  expect(await store.upkeep.noteSiteKey("01")).toBeNull();
  expect(await store.upkeep.noteSiteKey("01")).toBeNull();
  store.close();
  store = open();
  expect(await store.upkeep.noteSiteKey("02")).toBe("01");
  expect(await store.upkeep.noteSiteKey("02")).toBeNull();
});
