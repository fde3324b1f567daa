/** A model in service: images in, calibrated verdicts out, computed in a supervised child process. */
import { Child, ChildError, ChildRefusal, type ChildState } from "../base/child.ts";
import { type Calibrated, calibrate } from "./calibrate.ts";
import { InferenceError, type InferenceErrorCode, isInferenceCode } from "./error.ts";
import { Gate } from "./gate.ts";
import type { LoadedModel, LoadedPart } from "./manifest.ts";
import type { ChildSettings, InferenceReply, InferenceRequest, PartSettings, Pyramid } from "./protocol.ts";

export interface EngineOptions {
  /** Intra-op threads of ONNX Runtime, ≥ 1. */
  readonly threads: number;
  /** From handing an image to the child to each of its answers, and the longest wait for the attention, in ms. */
  readonly deadlineMs: number;
  /** Private memory of the child, in MiB. */
  readonly memoryMiB: number;
  /** Images that may wait besides those in the child. */
  readonly queueMax: number;
  /** From the fork to a warm model, in ms; 20,000 by default. */
  readonly startDeadlineMs?: number;
  /** Images in the child at once; 3 by default, so that it never idles while an answer travels. */
  readonly window?: number;
  /** Whether idle runtime threads spin; false by default: spinning costs cores while nothing is computed. */
  readonly spinning?: boolean;
}

export interface Inference extends Calibrated {
  /** Finite, before calibration; varies in its last digits with CPU, runtime and threads, so never hash it. */
  readonly logit: number;
  /** The class that `probability` speaks of. */
  readonly label: string;
  readonly featuresMs: number;
  readonly headMs: number;
}

const CHILD_TO_INFERENCE = {
  CHILD_BUSY: "INFERENCE_BUSY",
  CHILD_CRASHED: "INFERENCE_CRASH",
  CHILD_DEADLINE: "INFERENCE_DEADLINE",
  CHILD_RESTING: "INFERENCE_RESTING",
  CHILD_START: "INFERENCE_START",
  CHILD_STOPPED: "INFERENCE_STOPPED",
} as const satisfies Record<ChildError["code"], InferenceErrorCode>;

const IMAGE_BYTES = 224 * 224;

export class InferenceEngine {
  readonly #model: LoadedModel;
  readonly #deadlineMs: number;
  readonly #child: Child<InferenceRequest, InferenceReply>;
  readonly #gate: Gate;
  #nextImage = 1;
  #fingerprint: string | undefined;
  /** Ends a wait for attention; the child cannot, it has nothing under way then. */
  readonly #waits = new Set<(error: InferenceError) => void>();

  constructor(model: LoadedModel, options: EngineOptions) {
    const { window = 3, spinning = false, startDeadlineMs = 20_000 } = options;
    this.#model = model;
    this.#deadlineMs = options.deadlineMs;
    this.#gate = new Gate(window, options.queueMax);
    const settings: ChildSettings = {
      files: model.files,
      backbone: partSettings(model.backbone),
      head: partSettings(model.head),
      featureShape: model.head.part.inputs.features?.shape ?? [],
      grids: model.attention?.grids ?? [],
      threads: options.threads,
      spinning,
      precision: model.precision,
      heldMax: window * 2,
    };
    this.#child = new Child({
      name: "the inference process",
      module: new URL("./child.ts", import.meta.url),
      args: [JSON.stringify(settings)],
      memoryMiB: options.memoryMiB,
      deadlineMs: options.deadlineMs,
      startDeadlineMs,
      // The gate counts images; of each, two requests and a `drop` can be under way.
      window: window * 3,
      queueMax: window * 3,
    });
  }

  /** As the child's, and the images waiting for a place in it. */
  get state(): Omit<ChildState, "queued"> & { readonly waiting: number } {
    const { queued: _, ...state } = this.#child.state;
    return { ...state, waiting: this.#gate.waiting };
  }

  /** Runtime, CPU, variant and threads: results are only as equal as these. Known once started. */
  get fingerprint(): string {
    if (this.#fingerprint === undefined) throw new InferenceError("INFERENCE_START", "the engine was not started");
    return this.#fingerprint;
  }

  /**
   * Starts the child, loads the model and warms it up.
   *
   * @throws InferenceError INFERENCE_START with the runtime's own words
   */
  async start(): Promise<void> {
    const reply = await this.#request({ kind: "describe" });
    if (reply.kind === "fingerprint") this.#fingerprint = reply.fingerprint;
  }

  /**
   * The backbone computes while `pyramid` is on its way, but for pattern B, whose backbone takes it. If the child dies,
   * the image is tried once more.
   *
   * @param samples raster-v1: 50,176 bytes
   * @param pyramid empty for pattern `none`; its rejection is passed on as it is
   * @throws InferenceError with any INFERENCE_ code
   */
  async infer(samples: Uint8Array, pyramid: Promise<Pyramid>): Promise<Inference> {
    // Whatever happens to the image first, a late rejection of the attention is not an unhandled one.
    pyramid.catch(() => {});
    if (samples.length !== IMAGE_BYTES) {
      throw new InferenceError("INFERENCE_INPUT", `an image has ${IMAGE_BYTES} samples, not ${samples.length}`);
    }
    const entered = this.#gate.enter();
    if (entered === undefined) {
      throw new InferenceError("INFERENCE_BUSY", `${this.#gate.waiting} images wait for the model`);
    }
    await entered;
    try {
      return await this.#attempt(samples, pyramid).catch((error: unknown) => {
        if (!isLost(error)) throw error;
        return this.#attempt(samples, pyramid);
      });
    } finally {
      this.#gate.leave();
    }
  }

  /** Ends the child; images under way are refused with INFERENCE_STOPPED. Idempotent. */
  async stop(): Promise<void> {
    const stopped = this.#child.stop();
    for (const end of this.#waits) end(new InferenceError("INFERENCE_STOPPED", "the inference process is stopped"));
    await stopped;
  }

  async #attempt(samples: Uint8Array, pyramid: Promise<Pyramid>): Promise<Inference> {
    const image = this.#nextImage++;
    const { backbone, head } = this.#model;
    const levels = this.#attention(pyramid);
    const ask = (of: Pyramid) => this.#request({ kind: "features", image, samples, levels: of });
    const features = backbone.levels.length === 0 ? ask([]) : levels.then(ask);
    // The first to fail ends the attempt: features lost in a crash must not wait for the attention.
    const classified = levels.then(
      (of) => this.#request({ kind: "classify", image, levels: head.levels.length === 0 ? [] : of }),
      (error: unknown) => this.#drop(image, error),
    );
    const [, reply] = await Promise.all([features, classified]);
    if (reply.kind !== "logit") throw new InferenceError("INFERENCE_RUN", `the child answered with ${reply.kind}`);
    const { logit, featuresMs, headMs } = reply;
    const { labels } = this.#model.manifest;
    return { logit, ...calibrate(logit, this.#model.manifest), label: labels[1], featuresMs, headMs };
  }

  /** Every level that the model takes, or a named error if they do not come or do not fit. */
  async #attention(pyramid: Promise<Pyramid>): Promise<Pyramid> {
    const levels = await this.#within(pyramid);
    const cells = levels.map(({ length }) => length);
    const expected = (this.#model.attention?.grids ?? []).map((grid) => grid ** 2);
    if (cells.join() === expected.join()) return levels;
    throw new InferenceError("INFERENCE_INPUT", `the attention has [${expected}] cells, not [${cells}]`);
  }

  async #within(pyramid: Promise<Pyramid>): Promise<Pyramid> {
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const late = `the attention did not come within ${this.#deadlineMs} ms`;
    const timer = setTimeout(() => reject(new InferenceError("INFERENCE_DEADLINE", late)), this.#deadlineMs);
    this.#waits.add(reject);
    try {
      return await Promise.race([pyramid, ended]);
    } finally {
      clearTimeout(timer);
      this.#waits.delete(reject);
    }
  }

  async #drop(image: number, error: unknown): Promise<never> {
    await this.#request({ kind: "drop", image }).catch(() => {});
    throw error;
  }

  async #request(request: InferenceRequest): Promise<InferenceReply> {
    try {
      return await this.#child.request(request);
    } catch (error) {
      throw inferenceError(error);
    }
  }
}

function partSettings({ path, levels }: LoadedPart): PartSettings {
  return { path, levels };
}

/** The child that held the image is gone, through no fault that is known to be the image's. */
function isLost(error: unknown): boolean {
  return error instanceof InferenceError && (error.code === "INFERENCE_CRASH" || error.code === "INFERENCE_GONE");
}

function inferenceError(error: unknown): unknown {
  if (error instanceof ChildError) {
    return new InferenceError(CHILD_TO_INFERENCE[error.code], error.detail, { cause: error });
  }
  if (!(error instanceof ChildRefusal)) return error;
  if (isInferenceCode(error.code)) return new InferenceError(error.code, error.message);
  return new InferenceError("INFERENCE_RUN", `${error.message} (${error.code})`);
}
