import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StoreError } from "../store/errors.ts";
import { ResultStore } from "../store/results.ts";
import { budgetOf } from "../store/retention.ts";
import type { Binding } from "../store/schema.ts";
import { makeMessage, makeResult } from "../store/testing/make-result.ts";
import { sampleVault } from "../store/testing/vault.ts";
import { ageOf, Housekeeper, type HousekeeperParts, type Removed } from "./housekeeper.ts";

const DAY_MS = 86_400_000;
const MAX_BYTES = 4 * 2 ** 20;
let folder: string;
let store: ResultStore;
let removed: Removed[];
let utcMs = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-housekeeper-"));
  utcMs = 0;
  removed = [];
  store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: () => utcMs });
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function keeper(changes: Partial<HousekeeperParts> = {}): Housekeeper {
  return new Housekeeper({
    ...{ store, policy: { maxBytes: MAX_BYTES, maxAgeMs: null }, eventTopic: "x/event" },
    utcMs: () => utcMs,
    timeTrusted: () => true,
    removed: (some) => removed.push(some),
    failed: (error) => {
      throw error;
    },
    ...changes,
  });
}

/** Delivered results that were never bound, of about 3 KiB. */
async function fill(count: number): Promise<void> {
  const data = { text: "x".repeat(2500) };
  const made = Array.from({ length: count }, () =>
    store.append((next) => makeResult(next, { utcMs: next, data, messages: [] })),
  );
  await Promise.all(made);
}

const BINDING: Binding = {
  commitment: new Uint8Array(32),
  signature: new Uint8Array(64),
  publicKey: new Uint8Array(32),
};

async function append(binding: Binding): Promise<number> {
  const { sequence } = await store.append((next) => makeResult(next, { utcMs: next, binding, messages: [] }));
  return sequence;
}

/** Into a batch by itself, by the clock as it is. @returns the batch's number */
function close(sequence: number): Promise<number> {
  const value = Buffer.alloc(32, sequence);
  const hashes = { root: value, previous: value, sealedValue: value };
  return store.closeBatch({ ...hashes, size: 1, closedUtcMs: utcMs }, [sequence]);
}

async function seal(sequence: number): Promise<void> {
  await store.sealBatch(await close(sequence), "seal", []);
}

test("a store that is nearly full loses its oldest results, no more than it must, and no more once there is room", async () => {
  await fill(1200);
  const before = store.read.usage().usedBytes;
  expect(before).toBeGreaterThan(budgetOf(MAX_BYTES) * 0.9);
  const housekeeper = keeper();
  await housekeeper.tidy();
  const after = store.read.usage().usedBytes;
  expect(after).toBeLessThanOrEqual(budgetOf(MAX_BYTES) * 0.85);
  expect(after).toBeGreaterThan(budgetOf(MAX_BYTES) * 0.5);
  const [oldest] = store.read.listFrom(1, 1);
  expect(removed).toEqual([{ events: 0, results: (oldest?.sequence ?? 0) - 1 }]);
  await housekeeper.tidy();
  expect(removed).toHaveLength(1);
});

test("what is older than the limit goes, whatever room there is; not while the clock may be wrong", async () => {
  const policy = { maxBytes: MAX_BYTES, maxAgeMs: ageOf(2) };
  await fill(3);
  await keeper({ policy }).tidy();
  utcMs = 2 * DAY_MS + 3;
  await keeper({ policy, timeTrusted: () => false }).tidy();
  expect(store.read.count()).toBe(3);
  await keeper({ policy }).tidy();
  expect(store.read.listFrom(1, 9).map(({ sequence }) => sequence)).toEqual([3]);
});

test("what was stored before the clock was set is as old as the clock's setting, also after a kill", async () => {
  const policy = { maxBytes: MAX_BYTES, maxAgeMs: ageOf(2) };
  await keeper({ policy }).tidy();
  const unset = keeper({ policy, timeTrusted: () => false });
  // Stored before the first look.
  await fill(300);
  await unset.tidy();
  await fill(300);
  await store.enqueue([makeMessage("e", "x/event")]);
  await seal(await append(BINDING));
  const worked = await close(await append(BINDING));
  await unset.tidy();
  const again = () => {
    store.close();
    store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: () => utcMs });
  };
  again();
  utcMs = 50 * DAY_MS;
  await keeper({ policy }).tidy();
  // Closed then, and sealed later.
  await store.sealBatch(worked, "seal", []);
  again();
  await keeper({ policy }).tidy();
  expect([store.read.count(), store.outbox.rows]).toEqual([602, 1]);
  expect(store.upkeep.isUntimed).toBe(false);
  utcMs += 2 * DAY_MS + 1;
  await keeper({ policy }).tidy();
  expect([store.read.count(), store.outbox.rows]).toEqual([0, 1]);
  utcMs += 5 * DAY_MS;
  await keeper({ policy }).tidy();
  expect(store.outbox.rows).toBe(0);
});

test("events that no broker took for a week go, and it is told once", async () => {
  await store.enqueue([makeMessage("e", "x/event"), makeMessage("s", "x/seal")]);
  utcMs = 7 * DAY_MS;
  await keeper().tidy();
  expect(store.outbox.rows).toBe(2);
  utcMs += 1;
  await keeper({ timeTrusted: () => false }).tidy();
  expect(store.outbox.rows).toBe(2);
  await keeper().tidy();
  expect(store.outbox.rows).toBe(1);
  expect(removed).toEqual([{ events: 1, results: 0 }]);
});

test("what went before a failure is told", async () => {
  await store.enqueue([makeMessage("e", "x/event"), makeMessage("f", "x/event")]);
  utcMs = 8 * DAY_MS;
  const { upkeep, read } = store;
  const failing = {
    read,
    upkeep: Object.assign(Object.create(upkeep, { isUntimed: { value: false } }), {
      timeKnown: () => upkeep.timeKnown(),
      ageMessages: (topic: string, beforeUtcMs: number) => upkeep.ageMessages(topic, beforeUtcMs),
      removable: () => {
        throw new Error("the disk");
      },
    }),
  };
  await expect(keeper({ store: failing }).tidy()).rejects.toThrow("the disk");
  expect(removed).toEqual([{ events: 2, results: 0 }]);
});

test("rows of an older key are encrypted anew", async () => {
  await fill(300);
  store.close();
  store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(2, 1), utcMs: () => 0 });
  await keeper().tidy();
  expect(store.upkeep.toReseal).toBe(0);
});

test("it works by itself until it is stopped, and a failure stops nothing", async () => {
  const failures: unknown[] = [];
  await fill(1);
  utcMs = 3 * DAY_MS;
  const housekeeper = keeper({
    policy: { maxBytes: MAX_BYTES, maxAgeMs: DAY_MS },
    removed: () => {
      throw new Error("nobody listens");
    },
    failed: (error) => failures.push(error),
  });
  housekeeper.start();
  housekeeper.start();
  await expect.poll(() => failures.length).toBe(1);
  await housekeeper.stop();
  await housekeeper.stop();
  expect(store.read.count()).toBe(0);
});

test("what a round failed for is told until one goes well", async () => {
  let broken = true;
  const failures: unknown[] = [];
  const now = () => {
    if (broken) throw new StoreError("STORE_IO", "planted");
    return 0;
  };
  const housekeeper = keeper({ utcMs: now, failed: (error) => failures.push(error) });
  const round = async (code: string | null) => {
    housekeeper.start();
    await vi.waitFor(() => expect(housekeeper.lastErrorCode).toBe(code), { timeout: 5000 });
    await housekeeper.stop();
  };
  await round("STORE_IO");
  expect(failures).toHaveLength(1);
  broken = false;
  await round(null);
});
