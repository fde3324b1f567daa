/** The appliance's image path in this process, with a real store and outbox and no subscriber. */

import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Images } from "../../host/appliance/images.ts";
import { Recorder } from "../../host/appliance/recorder.ts";
import { Pseudonyms } from "../../host/base/pseudonym.ts";
import type { Config } from "../../host/config/schema.ts";
import type { ResultData } from "../../host/mqtt/messages.ts";
import { Memory } from "../../host/pipeline/cached.ts";
import type { CacheName, CachePort } from "../../host/pipeline/ports.ts";
import { RASTER_VERSION } from "../../host/raster/raster.ts";
import { bindResult } from "../../host/seal/bind.ts";
import { SigningKey } from "../../host/seal/signing-key.ts";
import { Cache } from "../../host/store/cache.ts";
import { ResultStore } from "../../host/store/results.ts";
import { sampleVault } from "../../host/store/testing/vault.ts";

export class BenchAppliance {
  readonly images: Images;
  /** What its caches hold, under the pipeline's keys. */
  readonly memory: Memory;
  readonly #store: ResultStore;
  readonly #cache: Cache;
  /** Caches that answer; the others are written to and never read. */
  #answering: ReadonlySet<CacheName> = new Set();

  constructor(config: Config, folder: string) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    this.#store = new ResultStore({
      path: join(folder, "results.db"),
      vault: sampleVault(1),
      utcMs: Date.now,
      outboxMaxRows: 10_000_000,
      outboxMaxBytes: 64 * 2 ** 30,
    });
    this.#cache = new Cache({ path: join(folder, "cache.db"), maxBytes: 2 ** 30, vault: sampleVault(1) });
    const caches: CachePort = {
      get: (name, key) => (this.#answering.has(name) ? this.#cache.get(name, key) : undefined),
      set: (name, key, value) => this.#cache.set(name, key, value),
    };
    this.memory = new Memory(caches, RASTER_VERSION);
    const key = SigningKey.ofSeed(randomBytes(32));
    const pseudonyms = new Pseudonyms(randomBytes(32));
    const binder = { bind: (data: ResultData) => bindResult(data, key), stored: () => {} };
    const recorder = new Recorder({
      store: this.#store,
      identity: { site: "bench", appliance: "bench" },
      binder,
      outward: (reference) => pseudonyms.of(reference),
    });
    this.images = new Images(config, {
      caches,
      record: (build) => recorder.record(build),
      device: () => undefined,
      check: () => {},
      clockSynced: () => null,
      seal: "pending",
    });
  }

  answerFrom(...names: CacheName[]): void {
    this.#answering = new Set(names);
  }

  /** Processes `count` images, `width` at a time. @param done told the ms of each, from its reading on @returns ms */
  async process(
    count: number,
    width: number,
    read: (index: number) => Promise<Uint8Array> | Uint8Array,
    done: (latencyMs: number) => void = () => {},
  ): Promise<number> {
    let next = 0;
    const startedMs = performance.now();
    const lane = async () => {
      for (let index = next++; index < count; index = next++) {
        const readMs = performance.now();
        const bytes = await read(index);
        const outcome = await this.images.pipeline.process({
          id: randomUUID(),
          bytes,
          reference: null,
          mode: "inference",
          stated: {},
        });
        if (outcome.kind !== "result") throw new Error(`${outcome.kind}: ${outcome.message}`);
        // Without inference it would be fast, and say nothing.
        if (!outcome.data.assessed) throw new Error(`not assessed: ${outcome.data.reasons}`);
        done(performance.now() - readMs);
      }
    };
    await Promise.all(Array.from({ length: width }, lane));
    return performance.now() - startedMs;
  }

  /** Process ids of the decoder and the model. */
  get children(): number[] {
    return [this.images.rasteriser.state.pid, this.images.model.pid].filter((pid) => pid !== undefined);
  }

  async stop(): Promise<void> {
    await this.images.stop();
    this.#store.close();
    this.#cache.close();
  }
}
