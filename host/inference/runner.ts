/** The two ONNX sessions of a pattern A model, and the images between them. */
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { InferenceError } from "./error.ts";
import { Lanes } from "./lanes.ts";
import { checkFiles } from "./manifest.ts";
import type { ChildSettings, InferenceReply, InferenceRequest } from "./protocol.ts";

interface Features {
  readonly tensor: Tensor;
  readonly featuresMs: number;
}

const IMAGE_SHAPE = [1, 1, 224, 224] as const;
const IMAGE_BYTES = 224 * 224;
/** The first runs allocate and choose kernels. */
const WARM_UPS = 2;

export class Runner {
  readonly #settings: ChildSettings;
  readonly #backbone: InferenceSession;
  readonly #head: InferenceSession;
  readonly #lanes = new Lanes();
  /** By image, in order of arrival. */
  readonly #held = new Map<number, Promise<Features>>();

  private constructor(settings: ChildSettings, backbone: InferenceSession, head: InferenceSession) {
    this.#settings = settings;
    this.#backbone = backbone;
    this.#head = head;
  }

  /** Checks the files, creates the sessions and warms them up; rejects with what ONNX Runtime says. */
  static async create(settings: ChildSettings): Promise<Runner> {
    await checkFiles(settings.files);
    const options: InferenceSession.SessionOptions = {
      executionProviders: ["cpu"],
      intraOpNumThreads: settings.threads,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      // Errors only: the child's stderr is kept for its last words.
      logSeverityLevel: 3,
      extra: { session: { intra_op: { allow_spinning: settings.spinning ? "1" : "0" } } },
    };
    const backbone = await InferenceSession.create(settings.backbone, options);
    const head = await InferenceSession.create(settings.head, options);
    const runner = new Runner(settings, backbone, head);
    for (let run = 0; run < WARM_UPS; run++) await runner.#warmUp();
    return runner;
  }

  /** @throws InferenceError INFERENCE_GONE, INFERENCE_INPUT, INFERENCE_RUN */
  async handle(request: InferenceRequest): Promise<InferenceReply> {
    switch (request.kind) {
      case "describe":
        return { kind: "fingerprint", fingerprint: this.#fingerprint() };
      case "features":
        await this.#hold(request.image, request.samples);
        return { kind: "done" };
      case "classify":
        return this.#classify(request.image, request.attention);
      case "drop":
        this.#held.delete(request.image);
        return { kind: "done" };
    }
  }

  #fingerprint(): string {
    const { threads, precision } = this.#settings;
    return `onnxruntime-node ${env.versions.node} ${process.arch} ${precision} ${threads} threads`;
  }

  /** The image is in `held` before the first await, so that a `classify` right behind it finds it. */
  async #hold(image: number, samples: Uint8Array): Promise<void> {
    const features = this.#lanes.run("long", () => this.#features(samples));
    this.#held.set(image, features);
    const [oldest] = this.#held.keys();
    if (this.#held.size > this.#settings.heldMax && oldest !== undefined) this.#held.delete(oldest);
    await features;
  }

  async #classify(image: number, attention: Float32Array): Promise<InferenceReply> {
    const held = this.#held.get(image);
    if (held === undefined) throw new InferenceError("INFERENCE_GONE", `no features of image ${image} are held`);
    this.#held.delete(image);
    const { tensor, featuresMs } = await held;
    const { logit, headMs } = await this.#lanes.run("short", () => this.#fuse(tensor, attention));
    return { kind: "logit", logit, featuresMs, headMs };
  }

  async #features(samples: Uint8Array): Promise<Features> {
    if (samples.length !== IMAGE_BYTES) {
      throw new InferenceError("INFERENCE_INPUT", `an image has ${IMAGE_BYTES} samples, not ${samples.length}`);
    }
    const started = performance.now();
    const { features } = await run(this.#backbone, { image: new Tensor("uint8", samples, IMAGE_SHAPE) });
    if (features === undefined) throw new InferenceError("INFERENCE_RUN", "the backbone gave no features");
    return { tensor: features, featuresMs: performance.now() - started };
  }

  async #fuse(features: Tensor, attention: Float32Array): Promise<{ logit: number; headMs: number }> {
    const { grid } = this.#settings;
    if (attention.length !== grid * grid) {
      throw new InferenceError("INFERENCE_INPUT", `the attention has ${grid * grid} cells, not ${attention.length}`);
    }
    const started = performance.now();
    const feeds = { features, attention: new Tensor("float32", attention, [1, 1, grid, grid]) };
    const { logit } = await run(this.#head, feeds);
    const value = logit?.data[0];
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new InferenceError("INFERENCE_RUN", `the logit is ${String(value)}`);
    }
    return { logit: value, headMs: performance.now() - started };
  }

  async #warmUp(): Promise<void> {
    const { tensor } = await this.#features(new Uint8Array(IMAGE_BYTES));
    const { featureShape, grid } = this.#settings;
    if (tensor.dims.join() !== featureShape.join()) {
      throw new InferenceError(
        "INFERENCE_RUN",
        `the features are [${tensor.dims}], the manifest says [${featureShape}]`,
      );
    }
    await this.#fuse(tensor, new Float32Array(grid * grid));
  }
}

async function run(session: InferenceSession, feeds: Record<string, Tensor>): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run(feeds);
  } catch (error) {
    throw new InferenceError("INFERENCE_RUN", error instanceof Error ? error.message : String(error), { cause: error });
  }
}
