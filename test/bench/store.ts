/** What a durable result costs beside the disk's own fsync, and what 100,000 of them cost at the start and when looked up. */
import { randomBytes, randomUUID } from "node:crypto";
import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Recorder } from "../../host/appliance/recorder.ts";
import { openSecrets } from "../../host/appliance/secrets.ts";
import type { ResultData } from "../../host/mqtt/messages.ts";
import { result as SAMPLE } from "../../host/mqtt/testing/samples.ts";
import { bindResult } from "../../host/seal/bind.ts";
import { closeBatch } from "../../host/seal/closed-batch.ts";
import { encodeSeal, makeSeal } from "../../host/seal/seal.ts";
import { FIRST_PREVIOUS } from "../../host/seal/sealed-value.ts";
import { mine, sampleKey } from "../../host/seal/testing/samples.ts";
import { ResultReader } from "../../host/store/reader.ts";
import { ResultStore } from "../../host/store/results.ts";
import { startAppliance } from "../demo/appliance.ts";
import { KEYS_IN_FILES } from "../stored.ts";
import { type BenchTools, median, percentile } from "./tools.ts";

const RESULTS = 100_000;
const LOOKUPS = 10_000;
const BATCH = 1000;
const STARTS = 3;
const START_DEADLINE_MS = 120_000;
const PAGE = Buffer.alloc(4096, 1);
const KEY = sampleKey(3);
const IDENTITY = { site: "bench", appliance: "bench" };
const DIFFICULTY = 2 ** -20;

/** A store as the appliance fills it, with the keys of its own data folder. */
class FilledStore {
  readonly store: ResultStore;
  readonly #recorder: Recorder;

  constructor(dataDir: string) {
    rmSync(dataDir, { recursive: true, force: true });
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const { vault, pseudonyms } = openSecrets({ dataDir, ...KEYS_IN_FILES }, randomBytes);
    this.store = new ResultStore({ path: join(dataDir, "results.db"), vault, utcMs: Date.now });
    this.#recorder = new Recorder({
      store: this.store,
      identity: IDENTITY,
      binder: { bind: (data) => bindResult(data, KEY), stored: () => {} },
      outward: (reference) => pseudonyms.of(reference),
    });
  }

  /** From the result's data on: signed, encrypted, in the outbox, durable. */
  record(): Promise<ResultData> {
    return this.#recorder.record((sequence) => ({
      ...SAMPLE,
      ...{ resultId: randomUUID(), sequence, reference: referenceOf(sequence), seal: "pending" },
      input: { ...SAMPLE.input, fileDigest: randomBytes(32).toString("hex") },
    }));
  }

  /** Delivered and sealed. @returns their ids */
  async fill(count: number): Promise<string[]> {
    const made = await Promise.all(Array.from({ length: count }, () => this.record()));
    await this.store.acknowledge(this.store.pending(count).map(({ position }) => position));
    await this.#seal();
    return made.map(({ resultId }) => resultId);
  }

  async #seal(): Promise<void> {
    const { seals } = this.store.read;
    const waiting = seals.waiting(1024);
    const commitments = waiting.map(({ commitment }) => commitment);
    const batch = closeBatch(commitments, seals.newest()?.sealedValue ?? FIRST_PREVIOUS);
    const sequences = waiting.map(({ sequence }) => sequence);
    const number = await this.store.closeBatch({ ...batch, closedUtcMs: Date.now() }, sequences);
    const proof = mine(batch.sealedValue, DIFFICULTY);
    const device = { kind: "stratum", simulated: true, name: "bench" } as const;
    const about = { difficulty: DIFFICULTY, utcMs: Date.now(), appliance: IDENTITY.appliance };
    await this.store.sealBatch(number, encodeSeal(makeSeal({ batch, proof, device, ...about }, KEY)), []);
  }
}

/** @param folder emptied */
export async function storeFigures(tools: BenchTools, folder: string): Promise<void> {
  await durableResult(tools, join(folder, "durable"));
  await manyResults(tools, join(folder, "many"));
}

/** In turns, so that whatever else the disk does meets both. */
async function durableResult({ note, add, share }: BenchTools, folder: string): Promise<void> {
  note("a durable result against the disk's own fsync …");
  const filled = new FilledStore(folder);
  const handle = openSync(join(folder, "probe"), "w");
  const times = { result: [] as number[], fsync: [] as number[] };
  try {
    for (let round = 0; round < 50; round++) await filled.record();
    for (let round = 0; round < Math.max(50, 1000 * share); round++) {
      times.fsync.push(await timed(() => appendDurably(handle)));
      times.result.push(await timed(() => filled.record()));
    }
  } finally {
    closeSync(handle);
    filled.store.close();
  }
  const [result, fsync] = [median(times.result), median(times.fsync)];
  add("a result signed, encrypted and durable with its message, p50", result, "ms");
  add("the disk's own append of 4 KiB and fdatasync, p50", fsync, "ms");
  add("a durable result above the disk's own fsync, p50", result - fsync, "ms", "≤ 1", result - fsync <= 1);
}

function appendDurably(handle: number): void {
  writeSync(handle, PAGE);
  fdatasyncSync(handle);
}

async function manyResults({ note, add, share }: BenchTools, folder: string): Promise<void> {
  const count = Math.max(BATCH, Math.round((RESULTS * share) / BATCH) * BATCH);
  note(`${count} stored results …`);
  const dataDir = join(folder, "data");
  const filled = new FilledStore(dataDir);
  const ids: string[] = [];
  while (ids.length < count) ids.push(...(await filled.fill(BATCH)));
  const { fileBytes } = filled.store.read.usage();
  filled.store.close();
  add(`${count} stored results, sealed: the database`, fileBytes / 2 ** 20, "MiB");
  lookUp(add, dataDir, ids, Math.max(100, Math.round(LOOKUPS * share)));
  const starts: number[] = [];
  for (let round = 0; round < STARTS; round++) starts.push(await startMs(folder));
  const start = median(starts) / 1000;
  add(`start with ${count} stored results, until the inbox is watched`, start, "s", "≤ 2", start <= 2);
}

function lookUp(add: BenchTools["add"], dataDir: string, ids: readonly string[], count: number): void {
  const { vault } = openSecrets({ dataDir, ...KEYS_IN_FILES }, randomBytes);
  const reader = ResultReader.open(join(dataDir, "results.db"), vault);
  const times: number[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const at = Math.floor(Math.random() * ids.length);
      const startedMs = performance.now();
      const found = i % 2 === 0 ? reader.get(ids[at] ?? "") : reader.findByReference(referenceOf(at + 1)).at(0);
      times.push(performance.now() - startedMs);
      if (found?.sequence !== at + 1) throw new Error(`result ${at + 1} was not found`);
    }
  } finally {
    reader.close();
  }
  const p99 = percentile(times, 0.99);
  add("  a lookup by id or by reference, p99", p99, "ms", "≤ 1", p99 <= 1);
}

/** From the shell's command to the last line of the start. */
async function startMs(folder: string): Promise<number> {
  const startedMs = performance.now();
  const appliance = await startAppliance(folder, { modelDevice: false });
  while (!appliance.log().includes('"msg":"started"')) {
    if (performance.now() - startedMs > START_DEADLINE_MS) throw new Error(`it does not start:\n${appliance.log()}`);
    await sleep(5);
  }
  const ms = performance.now() - startedMs;
  await appliance.stop();
  return ms;
}

function referenceOf(sequence: number): string {
  return `film-${sequence}.jpeg`;
}

async function timed(work: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
