/**
 * Measures a model folder on this machine: bare `session.run` against the engine, in turns, and the start.
 *
 *     node host/inference/bench.ts MODEL_DIRECTORY [threads] [rounds]
 *
 * Prints one JSON document. Bare and engine take turns because clocks and neighbours change within seconds.
 */
import { availableParallelism } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { InferenceEngine, type Pyramid } from "./engine.ts";
import { type LoadedModel, loadModel } from "./manifest.ts";

const IMAGES = 60;
const IN_FLIGHT = 6;

const [directory = "", threadsText = String(availableParallelism()), roundsText = "5"] = process.argv.slice(2);
const threads = Number(threadsText);
const rounds = Number(roundsText);
const image = Uint8Array.from({ length: 224 * 224 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
const pyramid: Pyramid = [new Float32Array(49).fill(0.5)];

async function bareSession(model: LoadedModel, spinning: boolean): Promise<() => Promise<number>> {
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: spinning ? "1" : "0" } } },
  };
  const backbone = await InferenceSession.create(model.backbone.path, options);
  const head = await InferenceSession.create(model.head.path, options);
  const attention = new Tensor("float32", pyramid[0] ?? [], [1, 1, 7, 7]);
  const once = async () => {
    const { features } = await backbone.run({ image: new Tensor("uint8", image, [1, 1, 224, 224]) });
    if (features !== undefined) await head.run({ features, attention });
  };
  await once();
  return () =>
    timed(async () => {
      for (let index = 0; index < IMAGES; index++) await once();
    });
}

async function throughEngine(engine: InferenceEngine): Promise<number> {
  let left = IMAGES;
  const worker = async () => {
    while (left-- > 0) await engine.infer(image, Promise.resolve(pyramid));
  };
  return timed(() => Promise.all(Array.from({ length: IN_FLIGHT }, worker)));
}

/** ms an image. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / IMAGES;
}

const round = (value: number) => Math.round(value * 100) / 100;
const middle = (values: readonly number[]) => round([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0);

async function measure(model: LoadedModel, spinning: boolean) {
  const started = performance.now();
  const engine = new InferenceEngine(model, {
    threads,
    spinning,
    deadlineMs: 30_000,
    memoryMiB: 1024,
    queueMax: IN_FLIGHT,
  });
  await engine.infer(image, Promise.resolve(pyramid));
  const firstResultMs = round(performance.now() - started);
  const alone = await timed(async () => {
    for (let index = 0; index < IMAGES; index++) await engine.infer(image, Promise.resolve(pyramid));
  });
  const bare = await bareSession(model, spinning);
  const times: { bare: number[]; engine: number[] } = { bare: [], engine: [] };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  for (let index = 0; index < rounds; index++) {
    times.bare.push(await bare());
    delay.enable();
    times.engine.push(await throughEngine(engine));
    delay.disable();
  }
  await engine.stop();
  const [bareMs, engineMs] = [middle(times.bare), middle(times.engine)];
  return {
    spinning,
    firstResultMs,
    bareMs,
    engineMs,
    engineOneAtATimeMs: round(alone),
    engineToBare: round(bareMs / engineMs),
    imagesPerSecond: round(1000 / engineMs),
    eventLoopP99Ms: round(delay.percentile(99) / 1e6),
  };
}

const model = await loadModel(directory, { supported: { raster: "raster-v1", attention: "attention-v1" } });
const runs = [await measure(model, false), await measure(model, true)];
process.stdout.write(
  `${JSON.stringify({ model: model.manifest.name, precision: model.precision, threads, runs }, null, 2)}\n`,
);
