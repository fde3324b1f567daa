import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../device/clock.ts";
import type { ResultToBind } from "../../seal/commitment.ts";
import { checkLedger } from "../../seal/ledger.ts";
import { decodeSeal, type Seal } from "../../seal/seal.ts";
import { SigningKey } from "../../seal/signing-key.ts";
import { StoreError } from "../../store/errors.ts";
import { ResultStore } from "../../store/results.ts";
import { makeMessage, makeResult } from "../../store/testing/make-result.ts";
import { sampleVault } from "../../store/testing/vault.ts";
import { Changes } from "../changes.ts";
import type { SealedBatch } from "./seal-batch.ts";
import { Sealing, type SealingEvent, type SealingOptions } from "./sealing.ts";
import { CpuSearcher } from "./testing/cpu-searcher.ts";

const digest = "ab".repeat(32);

function resultOf(resultId: string, sequence: number): ResultToBind {
  return {
    resultId,
    sequence,
    appliance: "box",
    time: { utcMs: Date.now() },
    input: { fileDigest: digest, rasterDigest: digest },
    attention: { version: "attention-v1", digest },
    model: { digest, precision: "int8", pattern: "A" },
    label: "PNEUMONIA",
    decision: "positive",
    probability: 0.5,
    threshold: 0.4,
    assessed: true,
    reasons: [],
    device: { simulated: false },
  };
}

let folder: string;
let store: ResultStore;
let device: CpuSearcher;
let changes: Changes;
let sealed: Seal[];
let events: SealingEvent[];
let troubles: string[];
let sealings: Sealing[];
let outbox: { readonly outboxMaxRows?: number };
const key = SigningKey.ofSeed(randomBytes(32));

function openStore() {
  store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: Date.now, ...outbox });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-sealing-"));
  [sealed, events, troubles, sealings, outbox] = [[], [], [], [], {}];
  openStore();
  device = new CpuSearcher("real");
  changes = new Changes();
});
afterEach(async () => {
  for (const sealing of sealings) await sealing.stop();
  store.close();
  rmSync(folder, { recursive: true });
});

function makeSealing(change: Partial<SealingOptions> = {}): Sealing {
  const sealing = new Sealing({
    configured: true,
    searchers: [device],
    changes,
    clock: systemClock,
    appliance: "box",
    policy: { maxAgeMs: 5, deadlineMs: 40 },
    minDifficulty: 256,
    store,
    key,
    utcMs: Date.now,
    messagesOf: (seal) => [makeMessage(seal.sealedValue)],
    onSealed: ({ seal }: SealedBatch) => void sealed.push(seal),
    onEvent: (event) => void events.push(event),
    onTrouble: (code) => void troubles.push(code),
    ...change,
  });
  sealings.push(sealing);
  return sealing;
}

async function add(sealing: Sealing, count = 1): Promise<void> {
  for (let i = 0; i < count; i++) {
    const resultId = randomUUID();
    const row = await store.append((sequence) =>
      makeResult(sequence, { resultId, binding: sealing.bind(resultOf(resultId, sequence)), messages: [] }),
    );
    const commitment = store.read.seals.of(resultId)?.commitment ?? new Uint8Array();
    sealing.stored({ resultId, sequence: row.sequence, utcMs: Date.now(), commitment });
  }
}

async function until(what: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!what()) {
    if (performance.now() > endMs) throw new Error(`never came true: ${what}`);
    await sleep(2);
  }
}

const total = () => sealed.reduce((sum, { size }) => sum + size, 0);

test("results are sealed in batches, and the seals make a sound ledger", async () => {
  const sealing = makeSealing();
  await sealing.start();
  for (let i = 0; i < 5; i++) await add(sealing, 7);
  await until(() => total() === 35);
  const ledger = [...store.read.seals.ledger()];
  expect(checkLedger(ledger)).toMatchObject({ ok: true, head: { seals: sealed.length, results: 35 } });
  expect(sealing.view()).toMatchObject({ state: "idle", waiting: 0, working: 0, sealedResults: 35 });
  expect(sealing.view().head).toBe(sealed.at(-1)?.sealedValue);
  expect(store.pending(100)).toHaveLength(sealed.length);
});

test("what a seal says of its work follows from the device and the difficulty", async () => {
  const sealing = makeSealing();
  await sealing.start();
  await add(sealing);
  await until(() => total() === 1);
  expect(sealed[0]).toMatchObject({ device: { kind: "usb", simulated: false, name: "cpu" }, workVerified: false });
});

describe("without a device", () => {
  test("results wait, an event says so once, and all are sealed by one work proof when one comes", async () => {
    device.there = "none";
    const sealing = makeSealing();
    await sealing.start();
    await add(sealing, 3);
    await until(() => events.length > 0);
    expect(events).toEqual([expect.objectContaining({ kind: "no-device", results: 3 })]);
    expect(sealing.view()).toMatchObject({ state: "absent", waiting: 3 });
    expect(sealing.troubles.noDevice).toBe(true);
    device.there = "simulated";
    changes.tell();
    await until(() => total() === 3);
    expect(sealed.map(({ size, device: { simulated } }) => [size, simulated])).toEqual([[3, true]]);
    expect(sealing.troubles.noDevice).toBe(false);
  });

  test("that is configured, nothing is promised", () => {
    expect(makeSealing({ configured: false }).promise).toBe("none");
    expect(makeSealing().promise).toBe("pending");
  });
});

describe("a simulated device", () => {
  test("never stands in for a real one, not even where it would be faster", async () => {
    const model = new CpuSearcher("simulated", "model");
    device.held = true;
    const sealing = makeSealing({ searchers: [model, device] });
    await sealing.start();
    await add(sealing);
    await until(() => device.jobs.length > 0);
    await sleep(30);
    expect(model.jobs).toEqual([]);
    device.held = false;
    await until(() => total() === 1);
    expect(sealed[0]?.device.name).toBe("cpu");
  });

  test("takes over when the last real one has gone, in the middle of a batch", async () => {
    const model = new CpuSearcher("simulated", "model");
    device.held = true;
    const sealing = makeSealing({ searchers: [model, device] });
    await sealing.start();
    await add(sealing);
    await until(() => device.jobs.length > 0);
    device.there = "none";
    changes.tell();
    await until(() => total() === 1);
    expect(sealed[0]?.device).toMatchObject({ name: "model", simulated: true });
  });
});

test("the first of several devices seals the batch, and the others turn to the next", async () => {
  const other = new CpuSearcher("real", "other");
  other.held = true;
  const sealing = makeSealing({ searchers: [device, other] });
  await sealing.start();
  await add(sealing);
  await until(() => total() === 1);
  await add(sealing);
  await until(() => total() === 2 && other.jobs.length >= 2);
  expect(sealed.map((seal) => seal.device.name)).toEqual(["cpu", "cpu"]);
});

describe("after a restart", () => {
  test("the batch that was worked goes on as the same, and what waited follows", async () => {
    device.held = true;
    const first = makeSealing();
    await first.start();
    await add(first, 2);
    await until(() => first.view().state === "working" && store.read.seals.worked() !== undefined);
    const worked = store.read.seals.worked();
    await add(first, 3);
    await first.stop();
    store.close();
    openStore();
    device.held = false;
    const second = makeSealing();
    expect(second.view()).toMatchObject({ waiting: 5, working: 2 });
    await second.start();
    await until(() => total() === 5);
    expect(sealed.map(({ size }) => size)).toEqual([2, 3]);
    expect(sealed[0]?.sealedValue).toBe(Buffer.from(worked?.sealedValue ?? []).toString("hex"));
    expect(checkLedger(store.read.seals.ledger())).toMatchObject({ ok: true });
  });

  test("with another key, what waited is signed anew", async () => {
    device.there = "none";
    const first = makeSealing();
    await first.start();
    await add(first, 2);
    await first.stop();
    device.there = "real";
    const other = SigningKey.ofSeed(randomBytes(32));
    const second = makeSealing({ key: other });
    await second.start();
    await until(() => total() === 2);
    expect(sealed[0]?.publicKey).toBe(other.publicKey.toString("hex"));
    expect(second.publicKey).toBe(sealed[0]?.publicKey);
  });

  test("seals that contradict each other seal nothing and stop nothing else", async () => {
    device.held = true;
    const first = makeSealing();
    await first.start();
    await add(first, 1);
    await until(() => store.read.seals.worked() !== undefined);
    await first.stop();
    store.close();
    const db = new DatabaseSync(join(folder, "results.db"));
    db.exec("UPDATE commitments SET commitment = randomblob(32)");
    db.close();
    openStore();
    device.held = false;
    const second = makeSealing();
    await second.start();
    await add(second, 2);
    expect(troubles).toEqual(["SEAL_LEDGER"]);
    expect(second.view()).toMatchObject({ state: "failed", waiting: 2 });
    expect(second.troubles.failed).toBe(true);
    await sleep(30);
    expect(sealed).toEqual([]);
  });

  test("without any device configured, what was promised a seal is told of", async () => {
    device.there = "none";
    const first = makeSealing();
    await first.start();
    await add(first, 2);
    await first.stop();
    events.length = 0;
    const second = makeSealing({ configured: false });
    await second.start();
    expect(events).toEqual([{ kind: "no-device", waitedMs: 0, results: 2 }]);
    expect(second.troubles.noDevice).toBe(true);
  });
});

describe("more results than may wait in memory", () => {
  test("wait in the store, and all are sealed, each once", async () => {
    const sealing = makeSealing({ policy: { maxAgeMs: 0, maxSize: 3, maxWaiting: 4 } });
    device.held = true;
    await sealing.start();
    await add(sealing, 30);
    expect(sealing.view().waiting).toBe(30);
    device.held = false;
    await until(() => total() === 30);
    expect(checkLedger(store.read.seals.ledger())).toMatchObject({ ok: true, head: { results: 30 } });
  });

  test("are read again where the store could not be read", async () => {
    const sealing = makeSealing({ policy: { maxAgeMs: 0, maxSize: 2, maxWaiting: 2 } });
    device.held = true;
    await sealing.start();
    await add(sealing, 8);
    const { seals } = store.read;
    const reading = vi.spyOn(seals, "waiting").mockImplementationOnce(() => {
      throw new StoreError("STORE_IO", "the disk");
    });
    device.held = false;
    await until(() => total() === 8);
    expect(troubles).toEqual(["STORE_IO"]);
    reading.mockRestore();
  });
});

describe("what fails on the way", () => {
  test("a seal that finds the outbox full is kept and stored when there is room", async () => {
    outbox = { outboxMaxRows: 1 };
    store.close();
    openStore();
    const sealing = makeSealing();
    await store.enqueue([makeMessage("in the way")]);
    await sealing.start();
    await add(sealing);
    await until(() => troubles.includes("OUTBOX_FULL"));
    expect(sealed).toEqual([]);
    await store.acknowledge(store.pending(10).map(({ position }) => position));
    await until(() => total() === 1);
    expect([...store.read.seals.ledger()].map((text) => decodeSeal(text).size)).toEqual([1]);
  });

  test("work that does not prove its difficulty seals nothing, and the devices go on", async () => {
    const liar = new CpuSearcher("real", "liar");
    let lies = 0;
    const sealing = makeSealing({
      searchers: [
        {
          presence: () => "real",
          expectedMs: () => 10,
          seek: async (job, signal) => {
            const found = await liar.seek(job, signal);
            lies += 1;
            return found === null || lies > 1 ? found : { ...found, difficulty: 2 ** 20 };
          },
        },
      ],
    });
    await sealing.start();
    await add(sealing);
    await until(() => total() === 1);
    expect(troubles).toEqual(["SEAL_WORK"]);
    expect(lies).toBe(2);
  });

  test("a batch that is on time is not called late because the one before was", async () => {
    device.held = true;
    device.meanMs = 1;
    const sealing = makeSealing({ policy: { maxAgeMs: 0, maxSize: 1, deadlineMs: 40 } });
    await sealing.start();
    await add(sealing, 2);
    await until(() => sealing.troubles.late);
    device.meanMs = 1e6;
    changes.tell();
    device.held = false;
    await until(() => total() === 1);
    device.held = true;
    await until(() => sealing.view().working === 1);
    expect(sealing.troubles.late).toBe(false);
  });

  test("a seal that should long have come is told once", async () => {
    device.held = true;
    device.meanMs = 1;
    const sealing = makeSealing();
    await sealing.start();
    await add(sealing);
    await until(() => events.length > 0);
    expect(events).toEqual([expect.objectContaining({ kind: "late", size: 1, expectedMs: 1 })]);
    expect(sealing.troubles.late).toBe(true);
    device.held = false;
    await until(() => total() === 1);
    expect(sealing.troubles.late).toBe(false);
    expect(events).toHaveLength(1);
  });
});
