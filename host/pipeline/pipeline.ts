/** One image's journey (DESIGN §5): keys → cache → raster → features ∥ attention → result → store. */
import { computeAttention } from "../attention/attention.ts";
import { ATTENTION_VERSION } from "../attention/map.ts";
import { errorCode, errorMessage } from "../base/error.ts";
import type { ResultData } from "../mqtt/messages.ts";
import { isRefusal } from "../raster/error.ts";
import { fileDigest, RASTER_VERSION, rasterDigest } from "../raster/raster.ts";
import { type AttentionMemory, Memory, type ResultMemory } from "./cached.ts";
import { deviceCheck, isRecorded } from "./policy.ts";
import { type PopulationReason, reasonsOutsidePopulation } from "./population.ts";
import type { Model, PipelineParts, PresentDevice } from "./ports.ts";
import { type Reason, reasonsNotToAssess } from "./quality.ts";
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

interface Assessment extends Omit<ResultMemory, "reasons"> {
  readonly reasons: readonly (Reason | PopulationReason)[];
  readonly rasterDigest: string;
  readonly cached: boolean;
  readonly attentionSource: ResultData["attention"]["source"];
  /** Only of an image that was decoded this time. */
  readonly samples: Uint8Array | undefined;
}

/** What one image is assessed with. */
interface Passage {
  readonly model: Model;
  /** By what was said of the image; what is remembered of its picture knows nothing of it. */
  readonly outside: readonly PopulationReason[];
  readonly timingMs: Times;
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
    const recorded = isRecorded(request.mode);
    // Before the work, not after it: what could not be stored is not worth the inference.
    if (recorded) await this.#parts.admit?.();
    const startedMs = clock.monotonicMs();
    const timingMs: Times = {};
    const model = await this.#parts.model();
    const outside = reasonsOutsidePopulation(request.stated, model.population);
    const assessment = withheld(await this.#assess(request.bytes, digest, { model, outside, timingMs }), outside);
    const device = this.#parts.device();
    const build = (sequence: number): ResultData => {
      timingMs.total = clock.monotonicMs() - startedMs;
      return this.#describe({ request, digest, model, assessment, device, timingMs, sequence });
    };
    const data = recorded ? await this.#parts.record(build) : build(0);
    this.#checkOnDevice(request, model, assessment, device);
    return { kind: "result", data, recorded };
  }

  async #assess(bytes: Uint8Array, digest: string, passage: Passage): Promise<Assessment> {
    const { model, timingMs } = passage;
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
    return this.#infer(samples, ofRaster, passage);
  }

  /** Where the pattern allows it, the backbone starts before the attention is made, and the head waits for both. */
  async #infer(samples: Uint8Array, rasterDigest: string, passage: Passage): Promise<Assessment> {
    const { model, outside, timingMs } = passage;
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
    const fits = reasons.length === 0 && outside.length === 0;
    const verdict = fits ? await this.#timed(timingMs, "inference", assess) : null;
    const memory: ResultMemory = { attentionDigest: (await attention)?.digest ?? null, verdict, reasons };
    // A picture that was not looked at for what was said of it is looked at when it comes with other words.
    if (fits || reasons.length > 0) this.#memory.keepResult(rasterDigest, model, memory);
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
      status: request.replaces === undefined ? "preliminary" : "corrected",
      replaces: request.replaces ?? null,
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

/** Whatever its picture shows, an image that is said to be outside gets no answer. */
function withheld(assessment: Assessment, outside: readonly PopulationReason[]): Assessment {
  if (outside.length === 0) return assessment;
  return { ...assessment, verdict: null, reasons: [...assessment.reasons, ...outside].sort() };
}

/** To a hundredth of a millisecond: more would be noise. */
function rounded(timingMs: Times): Times {
  return Object.fromEntries(Object.entries(timingMs).map(([stage, ms]) => [stage, Math.round(ms * 100) / 100]));
}
