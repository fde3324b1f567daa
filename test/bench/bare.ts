/**
 * The yardstick, in a process of its own: the model's two parts by bare `session.run`, one image after the other,
 * with as many threads as the pipeline uses and nothing else around them.
 */
import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { LoadedModel } from "../../host/inference/manifest.ts";
import { RASTER_SIZE } from "../../host/raster/raster.ts";
import { metered, residentMiB, type Taken } from "./meter.ts";

export interface BareFigures extends Taken {
  readonly images: number;
  readonly latenciesMs: readonly number[];
  readonly peakMiB: number;
}

const [modelJson, threadsText, imagesText, rastersPath] = process.argv.slice(2);
const { backbone, head, attention } = JSON.parse(modelJson ?? "") as Pick<
  LoadedModel,
  "backbone" | "head" | "attention"
>;
const options = {
  intraOpNumThreads: Number(threadsText),
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
} as const;
const [features, classify] = await Promise.all(
  [backbone, head].map(({ path }) => InferenceSession.create(path, options)),
);
if (features === undefined || classify === undefined) throw new Error("the model did not load");

const PIXELS = RASTER_SIZE ** 2;
/** Rasters end to end. */
const rasters =
  rastersPath === undefined
    ? Uint8Array.from({ length: PIXELS }, (_, i) => (i * 37) & 0xff)
    : readFileSync(rastersPath);
const levels = (attention?.grids ?? []).map(
  (grid) => new Tensor("float32", new Float32Array(grid * grid).fill(0.5), [1, 1, grid, grid]),
);
const feeds = (names: readonly string[]) =>
  Object.fromEntries(levels.flatMap((level, index) => (names[index] === undefined ? [] : [[names[index], level]])));
const [toBackbone, toHead] = [feeds(backbone.levels), feeds(head.levels)];
const once = async (index: number) => {
  const from = (index * PIXELS) % rasters.length;
  const image = new Uint8Array(rasters.subarray(from, from + PIXELS));
  const { features: tensor } = await features.run({
    image: new Tensor("uint8", image, [1, 1, 224, 224]),
    ...toBackbone,
  });
  if (tensor === undefined) throw new Error("the backbone has no output named features");
  await classify.run({ features: tensor, ...toHead });
};
for (let i = 0; i < 20; i++) await once(i);
const images = Number(imagesText);
const latenciesMs: number[] = [];
const taken = await metered([process.pid], async () => {
  for (let i = 0; i < images; i++) {
    const startedMs = performance.now();
    await once(i);
    latenciesMs.push(performance.now() - startedMs);
  }
});
const figures: BareFigures = { images, latenciesMs, ...taken, peakMiB: residentMiB([process.pid], "VmHWM") };
process.stdout.write(JSON.stringify(figures));
