/**
 * How fast a model is on this machine, in the rows of whitepaper 7.1: from an image's raster to its verdict. Decoding,
 * storing and publishing come on top (`make bench` measures those).
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AttentionSettings, computeAttention } from "../attention/attention.ts";
import { KeyRing } from "../base/key-ring.ts";
import { Vault } from "../base/vault.ts";
import type { Config } from "../config/schema.ts";
import type { InferenceEngine } from "../inference/engine.ts";
import type { LoadedModel } from "../inference/manifest.ts";
import { Memory } from "../pipeline/cached.ts";
import { RASTER_SIZE, RASTER_VERSION, rasterDigest } from "../raster/raster.ts";
import { Cache } from "../store/cache.ts";
import { makeEngine } from "./model-slot.ts";
import { newKey } from "./secrets.ts";

/** Images under way at once in the asynchronous rows, as the appliance's inbox has them by default. */
export const ASYNC_WIDTH = 4;
/** The rows take turns, so that a machine that is busy for a while does not slow one of them only. */
const ROUNDS = 3;
/** Not counted: the first images of a row in each round. */
const WARM_UPS = 4;

export interface Row {
  /** "CNN only" for a model without attention, "hybrid" for the others. */
  readonly configuration: string;
  readonly images: number;
  readonly imagesPerSecond: number;
  /** From the raster to the verdict, waiting for a place included. */
  readonly latencyMs: { readonly median: number; readonly p95: number };
  /** Medians of the parts; they overlap where several images are under way. */
  readonly attentionMs: number | null;
  readonly featuresMs: number;
  readonly headMs: number;
}

/** Where an image's attention comes from, and what waits for what. */
interface Configuration {
  readonly name: string;
  readonly attention: "none" | "made first" | "made meanwhile" | "cached";
  readonly width: number;
}

const PLAIN: readonly Configuration[] = [
  { name: "CNN only", attention: "none", width: 1 },
  { name: "CNN only, async", attention: "none", width: ASYNC_WIDTH },
];
const HYBRID: readonly Configuration[] = [
  { name: "hybrid, no cache", attention: "made first", width: 1 },
  { name: "hybrid, async", attention: "made meanwhile", width: ASYNC_WIDTH },
  { name: "hybrid, cached", attention: "cached", width: 1 },
  { name: "hybrid, async + cached", attention: "cached", width: ASYNC_WIDTH },
];

/** The rows that a model has, in order. */
export function rowsOf({ attention }: Pick<LoadedModel, "attention">): readonly Configuration[] {
  return attention === null ? PLAIN : HYBRID;
}

/**
 * Measures every row of one model and flavour.
 *
 * @param images a row
 * @param done called once an image is through, warm-ups included
 * @throws InferenceError, also INFERENCE_STOPPED once `signal` is aborted
 */
export async function benchModel(
  model: LoadedModel,
  config: Config,
  { images, signal, done }: { readonly images: number; readonly signal: AbortSignal; done(): void },
): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "lv06-bench-"));
  const vault = new Vault(KeyRing.parse(newKey(randomBytes)), { random: randomBytes });
  const cache = new Cache({ path: join(folder, "cache.db"), maxBytes: 2 ** 28, vault });
  const engine = makeEngine(model, config);
  const stop = () => void engine.stop();
  signal.addEventListener("abort", stop);
  try {
    await engine.start();
    const bench = new Bench(engine, model.attention, new Memory(cache, RASTER_VERSION));
    const runs = rowsOf(model).map((row) => ({ row, times: [] as Times[], wallMs: 0 }));
    for (let round = 0; round < ROUNDS; round++) {
      for (const run of runs) {
        const rasters = partOf(images, round);
        const { times, wallMs } = await bench.measure(run.row, rasters, done);
        run.times.push(...times);
        run.wallMs += wallMs;
      }
    }
    return runs.map(({ row, times, wallMs }) => summary(row, times, wallMs));
  } finally {
    signal.removeEventListener("abort", stop);
    await engine.stop();
    cache.close();
    await rm(folder, { recursive: true });
  }
}

/** Images that are looked at besides the ones that count, in all rows of a model. */
export function stepsOf(model: Pick<LoadedModel, "attention">, images: number): number {
  return rowsOf(model).length * (images + ROUNDS * WARM_UPS);
}

interface Times {
  readonly totalMs: number;
  readonly attentionMs: number;
  readonly featuresMs: number;
  readonly headMs: number;
}

class Bench {
  readonly #engine: InferenceEngine;
  readonly #settings: AttentionSettings | null;
  readonly #memory: Memory;

  constructor(engine: InferenceEngine, settings: AttentionSettings | null, memory: Memory) {
    this.#engine = engine;
    this.#settings = settings;
    this.#memory = memory;
  }

  /** @param rasters at least WARM_UPS, no two alike */
  async measure(row: Configuration, rasters: readonly Uint8Array[], done: () => void) {
    if (row.attention === "cached") for (const samples of rasters) await this.#make(samples);
    for (const samples of rasters.slice(0, WARM_UPS)) await this.#look(samples, row.attention);
    for (let i = 0; i < WARM_UPS; i++) done();
    const times: Times[] = [];
    const startedMs = performance.now();
    const queue = rasters.values();
    const lane = async () => {
      for (const samples of queue) {
        times.push(await this.#look(samples, row.attention));
        done();
      }
    };
    await Promise.all(Array.from({ length: row.width }, lane));
    return { times, wallMs: performance.now() - startedMs };
  }

  async #look(samples: Uint8Array, source: Configuration["attention"]): Promise<Times> {
    const startedMs = performance.now();
    let attentionMs = 0;
    const make = async () => {
      const pyramid = await (source === "cached" ? this.#cached(samples) : this.#make(samples));
      attentionMs = performance.now() - startedMs;
      return pyramid;
    };
    const pyramid = source === "none" ? Promise.resolve([]) : make();
    if (source === "made first" || source === "cached") await pyramid;
    const { featuresMs, headMs } = await this.#engine.infer(samples, pyramid);
    return { totalMs: performance.now() - startedMs, attentionMs, featuresMs, headMs };
  }

  /** As the pipeline makes it, the cache's keys and writes included. */
  async #make(samples: Uint8Array): Promise<readonly Float32Array[]> {
    if (this.#settings === null) return [];
    const { digest, pyramid } = await computeAttention(samples, this.#settings);
    this.#memory.keepAttention(rasterDigest({ samples }), this.#settings, { digest, pyramid });
    return pyramid;
  }

  async #cached(samples: Uint8Array): Promise<readonly Float32Array[]> {
    const known = this.#settings && this.#memory.attention(rasterDigest({ samples }), this.#settings);
    return known?.pyramid ?? this.#make(samples);
  }
}

function summary({ name, attention }: Configuration, times: readonly Times[], wallMs: number): Row {
  const of = (part: keyof Times, share: number) =>
    round(
      percentile(
        times.map((time) => time[part]),
        share,
      ),
    );
  return {
    configuration: name,
    images: times.length,
    imagesPerSecond: round((times.length / wallMs) * 1000),
    latencyMs: { median: of("totalMs", 0.5), p95: of("totalMs", 0.95) },
    attentionMs: attention === "none" ? null : of("attentionMs", 0.5),
    featuresMs: of("featuresMs", 0.5),
    headMs: of("headMs", 0.5),
  };
}

const round = (value: number) => Math.round(value * 100) / 100;

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN;
}

/** The rasters of one round: `images` in all rounds together, none twice. */
function partOf(images: number, round: number): readonly Uint8Array[] {
  const [from, to] = [round, round + 1].map((part) => Math.floor((images * part) / ROUNDS));
  return Array.from({ length: (to ?? 0) - (from ?? 0) }, (_, index) => syntheticRaster((from ?? 0) + index));
}

/** Every one another image: what the time depends on is only that no two are equal. */
function syntheticRaster(seed: number): Uint8Array {
  return Uint8Array.from({ length: RASTER_SIZE ** 2 }, (_, at) => (at * (2 * seed + 1) + (at >> 8) + seed) & 0xff);
}
