/** The two ONNX sessions of a model, and the images between them. */
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { InferenceError } from "./error.ts";
import { checkFiles } from "./files.ts";
import { Lanes } from "./lanes.ts";
import type { ChildSettings, InferenceReply, InferenceRequest, PartSettings, Pyramid } from "./protocol.ts";

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
    const backbone = await InferenceSession.create(settings.backbone.path, options);
    const head = await InferenceSession.create(settings.head.path, options);
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
        await this.#hold(request.image, request.samples, request.levels);
        return { kind: "done" };
      case "classify":
        return this.#classify(request.image, request.levels);
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
  async #hold(image: number, samples: Uint8Array, levels: Pyramid): Promise<void> {
    const features = this.#lanes.run("long", () => this.#features(samples, levels));
    this.#held.set(image, features);
    const [oldest] = this.#held.keys();
    if (this.#held.size > this.#settings.heldMax && oldest !== undefined) this.#held.delete(oldest);
    await features;
  }

  async #classify(image: number, levels: Pyramid): Promise<InferenceReply> {
    const held = this.#held.get(image);
    if (held === undefined) throw new InferenceError("INFERENCE_GONE", `no features of image ${image} are held`);
    this.#held.delete(image);
    const { tensor, featuresMs } = await held;
    const { logit, headMs } = await this.#lanes.run("short", () => this.#fuse(tensor, levels));
    return { kind: "logit", logit, featuresMs, headMs };
  }

  async #features(samples: Uint8Array, levels: Pyramid): Promise<Features> {
    if (samples.length !== IMAGE_BYTES) {
      throw new InferenceError("INFERENCE_INPUT", `an image has ${IMAGE_BYTES} samples, not ${samples.length}`);
    }
    const attention = this.#feeds(this.#settings.backbone, levels);
    const started = performance.now();
    const { features } = await run(this.#backbone, { image: new Tensor("uint8", samples, IMAGE_SHAPE), ...attention });
    if (features === undefined) throw new InferenceError("INFERENCE_RUN", "the backbone gave no features");
    return { tensor: features, featuresMs: performance.now() - started };
  }

  async #fuse(features: Tensor, levels: Pyramid): Promise<{ logit: number; headMs: number }> {
    const attention = this.#feeds(this.#settings.head, levels);
    const started = performance.now();
    const { logit } = await run(this.#head, { features, ...attention });
    const value = logit?.data[0];
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new InferenceError("INFERENCE_RUN", `the logit is ${String(value)}`);
    }
    return { logit: value, headMs: performance.now() - started };
  }

  /** @throws InferenceError INFERENCE_INPUT when they are not the levels that the part takes */
  #feeds({ levels: names }: PartSettings, levels: Pyramid): Record<string, Tensor> {
    const { grids } = this.#settings;
    const cells = levels.map(({ length }) => length);
    const expected = names.map((_, index) => (grids[index] ?? 0) ** 2);
    if (cells.join() !== expected.join()) {
      throw new InferenceError("INFERENCE_INPUT", `the attention has [${expected}] cells, not [${cells}]`);
    }
    const tensors = levels.map((level, index) => {
      const grid = grids[index] ?? 0;
      return [names[index], new Tensor("float32", level, [1, 1, grid, grid])] as const;
    });
    return Object.fromEntries(tensors);
  }

  async #warmUp(): Promise<void> {
    const { featureShape, grids, backbone, head } = this.#settings;
    const blank = ({ levels }: PartSettings) => levels.map((_, index) => new Float32Array((grids[index] ?? 0) ** 2));
    const { tensor } = await this.#features(new Uint8Array(IMAGE_BYTES), blank(backbone));
    if (tensor.dims.join() !== featureShape.join()) {
      throw new InferenceError(
        "INFERENCE_RUN",
        `the features are [${tensor.dims}], the manifest says [${featureShape}]`,
      );
    }
    await this.#fuse(tensor, blank(head));
  }
}

async function run(session: InferenceSession, feeds: Record<string, Tensor>): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run(feeds);
  } catch (error) {
    throw new InferenceError("INFERENCE_RUN", error instanceof Error ? error.message : String(error), { cause: error });
  }
}
