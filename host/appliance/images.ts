/** Everything one image needs, wired: decoder, model, caches, pipeline. The appliance and `lv06 infer` share it. */
import type { Config } from "../config/schema.ts";
import type { ResultData } from "../mqtt/messages.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { CachePort, CheckTask, PresentDevice } from "../pipeline/ports.ts";
import type { Rasteriser } from "../raster/rasteriser.ts";
import { ModelSlot } from "./model-slot.ts";
import { openRasteriser } from "./rasterise-once.ts";

export interface ImageParts {
  readonly caches: CachePort;
  /** As `PipelineParts.admit`. */
  admit?(): Promise<void>;
  record(build: (sequence: number) => ResultData): Promise<ResultData>;
  device(): PresentDevice | undefined;
  check(task: CheckTask): void;
  clockSynced(): boolean | null;
  readonly seal: "pending" | "none";
}

export class Images {
  readonly pipeline: Pipeline;
  readonly rasteriser: Rasteriser;
  readonly model: ModelSlot;

  constructor(config: Config, parts: ImageParts) {
    const clock = { nowMs: Date.now, monotonicMs: () => performance.now(), synced: parts.clockSynced };
    this.rasteriser = openRasteriser(config);
    this.model = new ModelSlot(config, clock.monotonicMs);
    this.pipeline = new Pipeline({
      appliance: config.appliance,
      deviceCheckFraction: config.policy.deviceCheckFraction,
      seal: parts.seal,
      rasterise: (bytes) => this.rasteriser.rasterise(bytes),
      model: () => this.model.get(),
      caches: parts.caches,
      ...(parts.admit === undefined ? {} : { admit: parts.admit }),
      record: parts.record,
      device: parts.device,
      check: parts.check,
      clock,
      random: Math.random,
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.rasteriser.stop(), this.model.stop()]);
  }
}

/** For images that are looked at once and not remembered. */
export function forgetfulCaches(): CachePort {
  return { get: () => undefined, set: () => {} };
}
