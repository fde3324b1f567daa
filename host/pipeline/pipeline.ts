/** One image's journey (DESIGN §5): keys → cache → raster → features ∥ attention → result → store. */
import { computeAttention } from "../attention/attention.ts";
import { ATTENTION_VERSION } from "../attention/map.ts";
import { errorCode, errorMessage } from "../base/error.ts";
import type { ResultData } from "../mqtt/messages.ts";
import { isRefusal } from "../raster/error.ts";
import { fileDigest, RASTER_VERSION, rasterDigest } from "../raster/raster.ts";
import { type AttentionMemory, Memory, type ResultMemory } from "./cached.ts";
import { deviceCheck, isRecorded } from "./policy.ts";
import type { Model, PipelineParts, PresentDevice } from "./ports.ts";
import { reasonsNotToAssess } from "./quality.ts";
import type { ImageRequest } from "./request.ts";

export type Outcome =
  /** `recorded` is false for training images, which leave no trace. */
  | { readonly kind: "result"; readonly data: ResultData; readonly recorded: boolean }
  /** This very request has its result already: it was stored before the appliance ended. */
  | { readonly kind: "known"; readonly code: string; readonly message: string }
  /** The image itself cannot be used; the same bytes will be refused again. */
  | { readonly kind: "refused"; readonly fileDigest: string; readonly code: string; readonly message: string }
  /** The appliance cannot serve it now; the same bytes may be served later. */
  | { readonly kind: "unavailable"; readonly code: string; readonly message: string };

type Times = Record<string, number>;

interface Assessment extends ResultMemory {
  readonly rasterDigest: string;
  readonly cached: boolean;
  readonly attentionSource: ResultData["attention"]["source"];
  /** Only of an image that was decoded this time. */
  readonly samples: Uint8Array | undefined;
}

/** What results and receipts say in place of a version where the model takes no attention. */
const NO_ATTENTION = "none";

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #memory: Memory;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#memory = new Memory(parts.caches, RASTER_VERSION);
  }

  /** Never throws: whatever goes wrong is an outcome. */
  async process(request: ImageRequest): Promise<Outcome> {
    const digest = fileDigest(request.bytes);
    try {
      return await this.#journey(request, digest);
    } catch (error) {
      const failure = { code: errorCode(error), message: errorMessage(error) };
      if (isRefusal(error)) return { kind: "refused", fileDigest: digest, ...failure };
      return { kind: failure.code === "STORE_DUPLICATE" ? "known" : "unavailable", ...failure };
    }
  }

  async #journey(request: ImageRequest, digest: string): Promise<Outcome> {
    const { clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    const timingMs: Times = {};
    const model = await this.#parts.model();
    const assessment = await this.#assess(request.bytes, digest, model, timingMs);
    const device = this.#parts.device();
    const build = (sequence: number): ResultData => {
      timingMs.total = clock.monotonicMs() - startedMs;
      return this.#describe({ request, digest, model, assessment, device, timingMs, sequence });
    };
    const recorded = isRecorded(request.mode);
    const data = recorded ? await this.#parts.record(build) : build(0);
    this.#checkOnDevice(request, model, assessment, device);
    return { kind: "result", data, recorded };
  }

  async #assess(bytes: Uint8Array, digest: string, model: Model, timingMs: Times): Promise<Assessment> {
    const cached = { cached: true, attentionSource: model.attention === null ? "none" : "cache" } as const;
    const known = this.#memory.raster(digest);
    const remembered = known && this.#memory.result(known.rasterDigest, model);
    if (known !== undefined && remembered !== undefined) {
      return { ...known, ...remembered, ...cached, samples: undefined };
    }
    const { raster } = await this.#timed(timingMs, "raster", () => this.#parts.rasterise(bytes));
    const ofRaster = rasterDigest(raster);
    this.#memory.keepRaster(digest, { rasterDigest: ofRaster });
    const { samples } = raster;
    const again = this.#memory.result(ofRaster, model);
    if (again !== undefined) return { rasterDigest: ofRaster, ...again, ...cached, samples };
    return this.#infer(samples, ofRaster, model, timingMs);
  }

  /** Where the pattern allows it, the backbone starts before the attention is made, and the head waits for both. */
  async #infer(samples: Uint8Array, rasterDigest: string, model: Model, timingMs: Times): Promise<Assessment> {
    const { attention, attentionSource } = this.#attention(samples, rasterDigest, model, timingMs);
    const reasons = reasonsNotToAssess(samples);
    const assess = async () => {
      const { featuresMs, headMs, ...verdict } = await model.infer(
        samples,
        attention.then((made) => made?.pyramid ?? []),
      );
      timingMs.features = featuresMs;
      timingMs.head = headMs;
      return verdict;
    };
    const verdict = reasons.length > 0 ? null : await this.#timed(timingMs, "inference", assess);
    const memory: ResultMemory = { attentionDigest: (await attention)?.digest ?? null, verdict, reasons };
    this.#memory.keepResult(rasterDigest, model, memory);
    return { rasterDigest, ...memory, cached: false, attentionSource, samples };
  }

  /** Begun, not awaited. Null where the model takes none. */
  #attention(
    samples: Uint8Array,
    rasterDigest: string,
    { attention: settings }: Model,
    timingMs: Times,
  ): { readonly attention: Promise<AttentionMemory | null> } & Pick<Assessment, "attentionSource"> {
    if (settings === null) return { attention: Promise.resolve(null), attentionSource: "none" };
    const remembered = this.#memory.attention(rasterDigest, settings);
    if (remembered !== undefined) return { attention: Promise.resolve(remembered), attentionSource: "cache" };
    const make = async () => {
      const { digest, pyramid } = await computeAttention(samples, settings);
      this.#memory.keepAttention(rasterDigest, settings, { digest, pyramid });
      return { digest, pyramid };
    };
    return { attention: this.#timed(timingMs, "attention", make), attentionSource: "software" };
  }

  /** After the result, never before it: a device that is slow, wrong or gone delays nothing. */
  #checkOnDevice(request: ImageRequest, model: Model, { cached, samples }: Assessment, device?: PresentDevice): void {
    const decision = deviceCheck({
      mode: request.mode,
      usesAttention: model.attention !== null,
      cached,
      canHash: device?.canHash ?? false,
      fraction: this.#parts.deviceCheckFraction,
      random: this.#parts.random(),
    });
    // Without a device the checker says so: a validation image never goes unchecked in silence.
    const skipped = decision.kind === "none" && decision.reason !== "no-device";
    if (skipped || samples === undefined || model.attention === null) return;
    this.#parts.check({ resultId: request.id, reference: request.reference, samples, settings: model.attention });
  }

  #describe(of: {
    readonly request: ImageRequest;
    readonly digest: string;
    readonly model: Model;
    readonly assessment: Assessment;
    readonly device: PresentDevice | undefined;
    readonly timingMs: Times;
    readonly sequence: number;
  }): ResultData {
    const { request, digest, model, assessment, device, sequence } = of;
    const { verdict, reasons } = assessment;
    return {
      resultId: request.id,
      sequence,
      reference: request.reference,
      status: "preliminary",
      assessed: verdict !== null,
      reasons: [...reasons],
      label: verdict?.label ?? null,
      probability: verdict?.probability ?? null,
      threshold: model.threshold,
      decision: verdict?.decision ?? null,
      model: {
        name: model.name,
        version: model.version,
        digest: model.digest,
        pattern: model.pattern,
        precision: model.precision,
      },
      input: { fileDigest: digest, rasterDigest: assessment.rasterDigest, rasterVersion: RASTER_VERSION },
      attention: {
        version: model.attention === null ? NO_ATTENTION : ATTENTION_VERSION,
        scales: model.attention?.scales.map(({ block }) => block) ?? [],
        digest: assessment.attentionDigest,
        source: assessment.attentionSource,
      },
      device: { kind: device?.kind ?? "none", simulated: device?.simulated ?? false, checked: false },
      cached: assessment.cached,
      timingMs: rounded(of.timingMs),
      seal: this.#parts.seal,
      appliance: this.#parts.appliance,
      time: { utcMs: this.#parts.clock.nowMs(), synced: this.#parts.clock.synced() },
      intendedUse: "research-only",
    };
  }

  async #timed<Value>(timingMs: Times, stage: string, work: () => Promise<Value>): Promise<Value> {
    const startedMs = this.#parts.clock.monotonicMs();
    const value = await work();
    timingMs[stage] = this.#parts.clock.monotonicMs() - startedMs;
    return value;
  }
}

/** To a hundredth of a millisecond: more would be noise. */
function rounded(timingMs: Times): Times {
  return Object.fromEntries(Object.entries(timingMs).map(([stage, ms]) => [stage, Math.round(ms * 100) / 100]));
}
