import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { type EngineOptions, InferenceEngine } from "./engine.ts";
import { InferenceError } from "./error.ts";
import { type LoadedModel, loadModel } from "./manifest.ts";
import type { Pyramid } from "./protocol.ts";

const TINY = new URL("./fixtures/tiny/", import.meta.url).pathname;
const supported = { raster: "raster-v1", attention: "attention-v1" };
const options: EngineOptions = { threads: 1, deadlineMs: 20_000, memoryMiB: 1024, queueMax: 16 };
let tiny: LoadedModel;
const engines: InferenceEngine[] = [];

beforeAll(async () => {
  tiny = await loadModel(TINY, { supported, cpu: "x64" });
});

afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.stop())));

function engine(changes: Partial<EngineOptions> = {}, model = tiny): InferenceEngine {
  const made = new InferenceEngine(model, { ...options, ...changes });
  engines.push(made);
  return made;
}

/** A raster that differs from seed to seed. */
const image = (seed: number) => Uint8Array.from({ length: 224 * 224 }, (_, i) => (i * (seed + 1) + (i >> 8)) & 0xff);
const level = (value: number): Pyramid => [new Float32Array(49).fill(value)];
const pyramid = (value = 0.5) => Promise.resolve(level(value));

async function refusal(promise: Promise<unknown>): Promise<InferenceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InferenceError);
  return error as InferenceError;
}

test("an image is inferred with ONNX Runtime and calibrated by the manifest", async () => {
  const { logit, probability, decision, label } = await engine().infer(image(1), pyramid());
  expect(Number.isFinite(logit)).toBe(true);
  expect(probability).toBeCloseTo(1 / (1 + Math.exp(-logit)), 3);
  expect(decision).toBe(probability >= 0.5 ? "positive" : "negative");
  expect(label).toBe("PNEUMONIA");
});

test("the attention multiplies the features: the logit is affine in a constant map", async () => {
  const served = engine();
  const logits = await Promise.all([0, 0.5, 1].map((value) => served.infer(image(1), pyramid(value))));
  const [none = 0, half = 0, full = 0] = logits.map(({ logit }) => logit);
  expect(full).not.toBeCloseTo(none, 3);
  expect(half).toBeCloseTo((none + full) / 2, 4);
});

test("the variants for x64 and arm64 agree on an image", async () => {
  const signed = await loadModel(TINY, { supported, precision: "int8-s8s8" });
  const [a, b] = await Promise.all([
    engine().infer(image(3), pyramid()),
    engine({}, signed).infer(image(3), pyramid()),
  ]);
  expect(b.logit).toBeCloseTo(a.logit, 2);
});

test("images in flight together get the answers they get alone", async () => {
  const served = engine();
  const alone: number[] = [];
  for (let seed = 0; seed < 6; seed++) alone.push((await served.infer(image(seed), pyramid())).logit);
  const together = await Promise.all(alone.map((_, seed) => served.infer(image(seed), pyramid())));
  expect(together.map(({ logit }) => logit)).toEqual(alone);
  expect(new Set(alone).size).toBe(6);
});

test("the backbone does not wait for the attention, nor other images for a late one", async () => {
  const served = engine();
  const late = Promise.withResolvers<Pyramid>();
  const first = served.infer(image(1), late.promise);
  const second = await served.infer(image(2), pyramid());
  expect(Number.isFinite(second.logit)).toBe(true);
  late.resolve(level(0.5));
  expect((await first).logit).toBe((await served.infer(image(1), pyramid())).logit);
});

test("the fingerprint names runtime, CPU, variant and threads", async () => {
  const served = engine();
  await served.start();
  expect(served.fingerprint).toMatch(/^onnxruntime-node 1\.\d+\.\d+ \w+ int8-u8s8 1 threads$/);
});

test("a child killed with images in flight is replaced and the images are answered", async () => {
  const served = engine();
  await served.start();
  const late = Promise.withResolvers<Pyramid>();
  const answers = [served.infer(image(1), late.promise), served.infer(image(2), late.promise)];
  // The features are in the child once the next image has passed through it.
  await served.infer(image(3), pyramid());
  process.kill(served.state.pid ?? Number.NaN, "SIGKILL");
  late.resolve(level(0.5));
  const [first] = await Promise.all(answers);
  expect(first?.logit).toBe((await served.infer(image(1), pyramid())).logit);
  expect(served.state.starts).toBe(2);
});

test("an image on which two children die is given up", async () => {
  const served = engine();
  await served.start();
  const kill = () => process.kill(served.state.pid ?? Number.NaN, "SIGKILL");
  const never = Promise.withResolvers<Pyramid>();
  const answer = refusal(served.infer(image(1), never.promise));
  await served.infer(image(2), pyramid());
  kill();
  never.resolve(level(0.5));
  while (served.state.starts < 2 || served.state.pid === undefined) await new Promise((turn) => setTimeout(turn, 5));
  kill();
  expect((await answer).code).toMatch(/^INFERENCE_(CRASH|START)$/);
});

test("an image whose attention does not come is ended by the deadline, and the next one is served", async () => {
  const slow = engine({ deadlineMs: 2000, window: 1 });
  await slow.start();
  expect(await refusal(slow.infer(image(1), new Promise(() => {})))).toMatchObject({ code: "INFERENCE_DEADLINE" });
  expect(Number.isFinite((await slow.infer(image(2), pyramid())).logit)).toBe(true);
});

test("a child that does not answer in time is killed, and the image refused", async () => {
  const served = engine({ deadlineMs: 3000 });
  await served.start();
  process.kill(served.state.pid ?? Number.NaN, "SIGSTOP");
  expect(await refusal(served.infer(image(1), pyramid()))).toMatchObject({ code: "INFERENCE_DEADLINE" });
  expect(Number.isFinite((await served.infer(image(2), pyramid())).logit)).toBe(true);
});

test("a failure of the attention is passed on as it is", async () => {
  const served = engine();
  const failure = new Error("no digests");
  await expect(served.infer(image(1), Promise.reject(failure))).rejects.toBe(failure);
});

test("more images than the queue holds are refused", async () => {
  const served = engine({ window: 1, queueMax: 1 });
  const late = Promise.withResolvers<Pyramid>();
  const taken = [served.infer(image(1), late.promise), served.infer(image(2), late.promise)];
  expect(await refusal(served.infer(image(3), pyramid()))).toMatchObject({ code: "INFERENCE_BUSY" });
  late.resolve(level(0.5));
  await Promise.all(taken);
});

test("a raster of another size is refused", async () => {
  expect(await refusal(engine().infer(new Uint8Array(64), pyramid()))).toMatchObject({ code: "INFERENCE_INPUT" });
});

test("attention on another grid is refused", async () => {
  const wrong = Promise.resolve([new Float32Array(196)]);
  expect(await refusal(engine().infer(image(1), wrong))).toMatchObject({ code: "INFERENCE_INPUT" });
});

test("a model that ONNX Runtime cannot load is refused in its own words", async () => {
  const broken = { ...tiny, backbone: { ...tiny.backbone, path: `${TINY}manifest.json` } };
  const error = await refusal(engine({}, broken).start());
  expect(error.code).toBe("INFERENCE_START");
  expect(error.detail).toContain("manifest.json");
});

test("features of another shape than the manifest's stop the start", async () => {
  const part = tiny.head.part;
  const features = { type: "float32" as const, shape: [1, 512, 7, 7] };
  const other = { ...tiny, head: { ...tiny.head, part: { ...part, inputs: { ...part.inputs, features } } } };
  expect((await refusal(engine({}, other).start())).detail).toContain("[1,512,7,7]");
});

test("after a stop, images under way and new ones are refused", async () => {
  const served = engine();
  await served.start();
  const under = refusal(served.infer(image(1), new Promise(() => {})));
  // By then the child has nothing to do for the first image: it waits for its attention alone.
  await served.infer(image(2), pyramid());
  await served.stop();
  expect(await under).toMatchObject({ code: "INFERENCE_STOPPED" });
  expect(await refusal(served.infer(image(2), pyramid()))).toMatchObject({ code: "INFERENCE_STOPPED" });
});

const FIXTURES = new URL("./fixtures/", import.meta.url).pathname;
const open = (name: string) => loadModel(join(FIXTURES, name), { supported, cpu: "x64" });
/** Every level of the model filled with `value`, or with one value each. */
const filled = ({ attention }: LoadedModel, ...values: number[]): Pyramid =>
  (attention?.grids ?? []).map((grid, index) => new Float32Array(grid * grid).fill(values[index] ?? values[0] ?? 0));

test.each(["tiny", "tiny-none", "tiny-a-single", "tiny-b", "tiny-c"])("%s answers", async (name) => {
  const model = await open(name);
  const { logit } = await engine({}, model).infer(image(1), Promise.resolve(filled(model, 0.5)));
  expect(Number.isFinite(logit)).toBe(true);
});

test("pattern none takes no attention, and answers as pattern A does where the map is zero", async () => {
  const model = await open("tiny-none");
  const plain = await engine({}, model).infer(image(1), Promise.resolve([]));
  expect(plain.logit).toBeCloseTo((await engine().infer(image(1), pyramid(0))).logit, 4);
  expect(await refusal(engine({}, model).infer(image(1), pyramid()))).toMatchObject({ code: "INFERENCE_INPUT" });
});

test.each(["tiny-b", "tiny-c"])("%s takes every level at its own place", async (name) => {
  const model = await open(name);
  const served = engine({}, model);
  const base = filled(model, 0.5);
  const of = async (levels: Pyramid) => (await served.infer(image(1), Promise.resolve(levels))).logit;
  const logits = [await of(base)];
  for (const changed of base.keys()) {
    logits.push(await of(base.map((level, index) => (index === changed ? level.map(() => 1) : level))));
  }
  expect(new Set(logits.map((logit) => logit.toFixed(5))).size).toBe(base.length + 1);
  expect(await refusal(of(base.toReversed()))).toMatchObject({ code: "INFERENCE_INPUT" });
});

test("each pattern B stage multiplies by 1 + gate × attention", async () => {
  const model = await open("tiny-b");
  const served = engine({}, model);
  const of = async (...values: number[]) =>
    (await served.infer(image(1), Promise.resolve(filled(model, ...values)))).logit;
  // The head's bias; the stages have none, so the factors of all four (gates 1/4, 2/4, 3/4, 1) multiply the rest.
  const bias = 0.25;
  const plain = (await of(0)) - bias;
  expect(plain).not.toBeCloseTo(0, 2);
  expect(((await of(1)) - bias) / plain).toBeCloseTo(1.25 * 1.5 * 1.75 * 2, 3);
  expect(((await of(0, 1, 0, 0)) - bias) / plain).toBeCloseTo(1.5, 3);
});

test("a pattern B backbone waits for the pyramid, and holds no other image up meanwhile", async () => {
  const model = await open("tiny-b");
  const served = engine({}, model);
  const late = Promise.withResolvers<Pyramid>();
  const first = served.infer(image(1), late.promise);
  const second = await served.infer(image(2), Promise.resolve(filled(model, 0.5)));
  expect(Number.isFinite(second.logit)).toBe(true);
  late.resolve(filled(model, 0.5));
  expect((await first).logit).toBe((await served.infer(image(1), Promise.resolve(filled(model, 0.5)))).logit);
});

test("a pattern B image whose attention fails or does not come ends with that, and the next one is served", async () => {
  const model = await open("tiny-b");
  const served = engine({ deadlineMs: 2000, window: 1 }, model);
  await served.start();
  const failure = new Error("no digests");
  await expect(served.infer(image(1), Promise.reject(failure))).rejects.toBe(failure);
  expect(await refusal(served.infer(image(1), new Promise(() => {})))).toMatchObject({ code: "INFERENCE_DEADLINE" });
  const next = await served.infer(image(2), Promise.resolve(filled(model, 0.5)));
  expect(Number.isFinite(next.logit)).toBe(true);
});

test("a child killed with a pattern B image in flight is replaced and the image is answered", async () => {
  const model = await open("tiny-b");
  const served = engine({}, model);
  await served.start();
  process.kill(served.state.pid ?? Number.NaN, "SIGSTOP");
  const answer = served.infer(image(1), Promise.resolve(filled(model, 0.5)));
  await new Promise((turn) => setTimeout(turn, 50));
  process.kill(served.state.pid ?? Number.NaN, "SIGKILL");
  expect(Number.isFinite((await answer).logit)).toBe(true);
  expect(served.state.starts).toBe(2);
});
