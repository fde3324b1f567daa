/** The model in service: loaded and started when it is first needed, and again, after a pause, when that failed. */
import { availableParallelism } from "node:os";
import { ATTENTION_VERSION } from "../attention/map.ts";
import { errorCode } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { InferenceEngine } from "../inference/engine.ts";
import { InferenceError } from "../inference/error.ts";
import { type LoadedModel, loadModel } from "../inference/manifest.ts";
import type { ResultData } from "../mqtt/messages.ts";
import type { Model } from "../pipeline/ports.ts";
import { RASTER_VERSION } from "../raster/raster.ts";
import { populationOf } from "./population.ts";

/** How long a failure is remembered, so that a broken model is not loaded anew for every image. */
const RETRY_MS = 10_000;
/** Images that may wait for the model. */
const QUEUE_MAX = 256;

export interface ModelState {
  /** `resting`: its process ended too often, and is started again in a while. */
  readonly state: "absent" | "loading" | "ready" | "resting" | "failed";
  readonly lastErrorCode: string | null;
  /** Processes started so far; the first is not a restart. */
  readonly starts: number;
}

export function threadsOf({ threads }: Config["inference"]): number {
  return threads > 0 ? threads : Math.min(Math.max(availableParallelism() - 1, 1), 3);
}

/** @throws InferenceError with any MODEL_ code */
export function loadConfigured({ model: { dir, variant } }: Config): Promise<LoadedModel> {
  return loadFolder(dir, variant === "auto" ? undefined : variant);
}

/** @param variant by default the one for this CPU */
export function loadFolder(directory: string, variant?: string): Promise<LoadedModel> {
  return loadModel(directory, {
    supported: { raster: RASTER_VERSION, attention: ATTENTION_VERSION },
    ...(variant === undefined ? {} : { precision: variant }),
  });
}

/** Its process is not started yet. */
export function makeEngine(loaded: LoadedModel, { inference }: Config): InferenceEngine {
  const { deadlineMs, memoryMiB } = inference;
  return new InferenceEngine(loaded, { threads: threadsOf(inference), deadlineMs, memoryMiB, queueMax: QUEUE_MAX });
}

export class ModelSlot {
  readonly #config: Config;
  readonly #monotonicMs: () => number;
  #loading: Promise<Model> | undefined;
  #failure: { readonly error: unknown; readonly atMs: number } | undefined;
  #engine: InferenceEngine | undefined;
  #model: Model | undefined;
  #stopped = false;

  constructor(config: Config, monotonicMs: () => number) {
    this.#config = config;
    this.#monotonicMs = monotonicMs;
  }

  /** Process id of the inference child while it runs. */
  get pid(): number | undefined {
    return this.#engine?.state.pid;
  }

  get state(): ModelState {
    const engine = this.#engine?.state;
    return {
      state: this.#word,
      lastErrorCode: this.#failure === undefined ? (engine?.lastErrorCode ?? null) : errorCode(this.#failure.error),
      starts: engine?.starts ?? 0,
    };
  }

  get #word(): ModelState["state"] {
    if (this.#failure !== undefined) return "failed";
    if (this.#model !== undefined) return this.#engine?.state.resting ? "resting" : "ready";
    return this.#loading === undefined ? "absent" : "loading";
  }

  /** The model as messages name it, once it is ready. */
  get described(): ResultData["model"] | null {
    if (this.#model === undefined) return null;
    const { name, version, digest, pattern, precision } = this.#model;
    return { name, version, digest, pattern, precision };
  }

  /** @throws InferenceError MODEL_… or INFERENCE_START; the last one again within the pause */
  get(): Promise<Model> {
    if (this.#stopped) return Promise.reject(stopping());
    if (this.#failure !== undefined) {
      if (this.#monotonicMs() - this.#failure.atMs < RETRY_MS) return Promise.reject(this.#failure.error);
      this.#loading = undefined;
    }
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** Ends the inference process, also one that is being started. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#engine?.stop();
    await this.#loading?.catch(() => {});
  }

  async #load(): Promise<Model> {
    this.#failure = undefined;
    try {
      const loaded = await loadConfigured(this.#config);
      await this.#engine?.stop();
      if (this.#stopped) throw stopping();
      const engine = makeEngine(loaded, this.#config);
      this.#engine = engine;
      await engine.start();
      const infer: Model["infer"] = (samples, pyramid) => this.#infer(engine, samples, pyramid);
      const population = populationOf(loaded.manifest.populationLimits, this.#config.quality.population);
      this.#model = describe(loaded, population, infer, engine.fingerprint);
      return this.#model;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** A process that could not be started again is a model that has failed: it is loaded anew after the pause. */
  async #infer(engine: InferenceEngine, ...image: Parameters<Model["infer"]>): ReturnType<Model["infer"]> {
    try {
      return await engine.infer(...image);
    } catch (error) {
      if (errorCode(error) === "INFERENCE_START" && engine === this.#engine) this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    this.#model = undefined;
    this.#failure = { error, atMs: this.#monotonicMs() };
  }
}

function stopping(): InferenceError {
  return new InferenceError("INFERENCE_STOPPED", "the model is being stopped");
}

function describe(
  loaded: LoadedModel,
  population: Model["population"],
  infer: Model["infer"],
  fingerprint: string,
): Model {
  const { manifest, digest, precision, attention } = loaded;
  return {
    name: manifest.name,
    version: manifest.version,
    digest,
    pattern: manifest.pattern,
    precision,
    fingerprint,
    threshold: manifest.threshold,
    attention,
    population,
    infer,
  };
}
