import { beforeAll, expect, test } from "vitest";
import { Runner } from "./runner.ts";

const tiny = (file: string) => new URL(`./fixtures/tiny/${file}`, import.meta.url).pathname;
const samples = new Uint8Array(224 * 224).fill(90);
const levels = [new Float32Array(49).fill(0.5)];
let runner: Runner;

beforeAll(async () => {
  runner = await Runner.create({
    files: [],
    backbone: { path: tiny("backbone-int8-u8s8.onnx"), levels: [] },
    head: { path: tiny("head.onnx"), levels: ["attention"] },
    featureShape: [1, 16, 7, 7],
    grids: [7],
    threads: 1,
    spinning: false,
    precision: "int8-u8s8",
    heldMax: 2,
  });
});

const features = (image: number) => runner.handle({ kind: "features", image, samples, levels: [] });
const classify = (image: number) => runner.handle({ kind: "classify", image, levels });

test("the attention may come before the features are done", async () => {
  const [, reply] = await Promise.all([features(1), classify(1)]);
  expect(reply.kind).toBe("logit");
});

test("the features of an image are used once", async () => {
  await features(2);
  await classify(2);
  await expect(classify(2)).rejects.toMatchObject({ code: "INFERENCE_GONE" });
});

test("features beyond the limit push out the oldest", async () => {
  for (const image of [3, 4, 5]) await features(image);
  await expect(classify(3)).rejects.toMatchObject({ code: "INFERENCE_GONE" });
  expect((await classify(4)).kind).toBe("logit");
  expect((await classify(5)).kind).toBe("logit");
});

test("a dropped image is forgotten", async () => {
  await features(6);
  await runner.handle({ kind: "drop", image: 6 });
  await expect(classify(6)).rejects.toMatchObject({ code: "INFERENCE_GONE" });
});

test("a raster of another size is refused to both requests", async () => {
  const short = runner.handle({ kind: "features", image: 7, samples: new Uint8Array(3), levels: [] });
  const answers = await Promise.allSettled([short, classify(7)]);
  expect(answers).toMatchObject([
    { status: "rejected", reason: { code: "INFERENCE_INPUT" } },
    { status: "rejected", reason: { code: "INFERENCE_INPUT" } },
  ]);
});

test("an attention that is not a number gives no logit", async () => {
  await features(8);
  const request = { kind: "classify", image: 8, levels: [new Float32Array(49).fill(Number.NaN)] } as const;
  await expect(runner.handle(request)).rejects.toMatchObject({ code: "INFERENCE_RUN" });
});

test.each([
  ["none", []],
  ["one too many", [new Float32Array(49), new Float32Array(49)]],
  ["another grid", [new Float32Array(196)]],
])("attention levels other than the part's are refused: %s", async (_, wrong) => {
  await features(9);
  const request = { kind: "classify", image: 9, levels: wrong } as const;
  await expect(runner.handle(request)).rejects.toMatchObject({ code: "INFERENCE_INPUT" });
});
