/** What the pipeline needs from the rooms below it; `appliance` wires the real parts to these shapes. */
import type { AttentionSettings } from "../attention/attention.ts";
import type { ResultData } from "../mqtt/messages.ts";
import type { Rasterised } from "../raster/rasterise.ts";
import type { PopulationLimits } from "./population.ts";

/** What the model said of one raster. Logit and probability are finite; `probability` has 4 decimals. */
export interface Verdict {
  readonly logit: number;
  readonly label: string;
  readonly probability: number;
  readonly decision: "positive" | "negative";
}

/** A loaded model, ready to infer. */
export interface Model {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of manifest.json, hex: pins parts and calibration. */
  readonly digest: string;
  readonly pattern: "A" | "B" | "C" | "none";
  readonly precision: string;
  /** Runtime, CPU and thread count: a cached result is only as good as what computed it. */
  readonly fingerprint: string;
  readonly threshold: number;
  /** Null for pattern `none`: nothing is hashed for it. */
  readonly attention: AttentionSettings | null;
  /** Whom it is for; null where neither the model nor the site says. */
  readonly population: PopulationLimits | null;
  /** @param pyramid empty where `attention` is null */
  infer(samples: Uint8Array, pyramid: Promise<readonly Float32Array[]>): Promise<Verdict & InferenceTimes>;
}

export interface InferenceTimes {
  readonly featuresMs: number;
  readonly headMs: number;
}

export type CacheName = "raster" | "attention" | "result";

export interface CachePort {
  get(name: CacheName, key: string): Uint8Array | undefined;
  set(name: CacheName, key: string, value: Uint8Array): void;
}

/** The device present when a result is made. */
export interface PresentDevice {
  readonly kind: "usb" | "stratum";
  readonly simulated: boolean;
  readonly canHash: boolean;
}

/** One image whose digests a device is to compute as well. */
export interface CheckTask {
  readonly resultId: string;
  readonly reference: string | null;
  readonly samples: Uint8Array;
  readonly settings: AttentionSettings;
}

export interface PipelineParts {
  readonly appliance: string;
  readonly deviceCheckFraction: number;
  /** What results say of their seal. */
  readonly seal: "pending" | "none";
  rasterise(bytes: Uint8Array): Promise<Rasterised>;
  /** The model, loading it when needed. @throws a coded error when there is none that can be served */
  model(): Promise<Model>;
  readonly caches: CachePort;
  /** Absent where nothing is recorded. @throws a coded error while no new result may be made: no room, or a wrong model */
  admit?(): Promise<void>;
  /** Result and outbox row in one transaction; resolves once both are durable. */
  record(build: (sequence: number) => ResultData): Promise<ResultData>;
  device(): PresentDevice | undefined;
  check(task: CheckTask): void;
  readonly clock: { nowMs(): number; monotonicMs(): number; synced(): boolean | null };
  random(): number;
}
