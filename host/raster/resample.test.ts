import { assert, constant, integer, property, tuple, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { pattern } from "./fixtures/encode.ts";
import { resample, triangleTaps } from "./resample.ts";

const side = integer({ min: 4, max: 90 });
const target = integer({ min: 4, max: 48 });
const image = tuple(side, side).chain(([width, height]) =>
  uint8Array({ minLength: width * height, maxLength: width * height }).map((samples) => ({ samples, width, height })),
);

const transpose = (samples: Uint8Array, width: number) => {
  const height = samples.length / width;
  return samples.map((_, i) => samples[(i % height) * width + Math.floor(i / height)] ?? 0);
};

describe("resampling", () => {
  test("keeps a constant image constant", async () => {
    await assert(
      property(side, side, target, integer({ min: 0, max: 255 }), (width, height, px, value) => {
        const flat = { samples: new Uint8Array(width * height).fill(value), width, height };
        expect(resample(flat, px).every((sample) => sample === value)).toBe(true);
      }),
    );
  });

  test("keeps within the darkest and the brightest pixel", async () => {
    await assert(
      property(image, target, (source, px) => {
        const out = resample(source, px);
        expect(out).toHaveLength(px * px);
        expect(Math.min(...out)).toBeGreaterThanOrEqual(Math.min(...source.samples));
        expect(Math.max(...out)).toBeLessThanOrEqual(Math.max(...source.samples));
      }),
    );
  });

  test("gives back the very samples of an image that has the size", () => {
    const samples = Uint8Array.from({ length: 224 * 224 }, (_, i) => i % 256);
    expect(resample({ samples, width: 224, height: 224 }, 224)).toBe(samples);
  });

  test("mirrors with its source", async () => {
    const mirror = (samples: Uint8Array, width: number) =>
      samples.map((_, i) => samples[i - (i % width) + (width - 1 - (i % width))] ?? 0);
    await assert(
      property(image, constant(16), (source, px) => {
        const mirrored = { ...source, samples: mirror(source.samples, source.width) };
        expect(resample(mirrored, px)).toEqual(mirror(resample(source, px), px));
      }),
    );
  });

  test("weighs neighbours by a triangle, in 22-bit fixed point", () => {
    // Halving: the centre of target 1 is at 3, its triangle spans 1…5 and peaks between source pixels 2 and 3.
    const taps = triangleTaps(16, 8);
    const weights = [...taps.weights.subarray(taps.stride, 2 * taps.stride)];
    expect(taps.first[1]).toBe(1);
    expect(weights).toEqual([...[1 / 8, 3 / 8, 3 / 8, 1 / 8].map((weight) => weight * 2 ** 22), 0]);
  });

  test("filters rows first, then columns, and rounds in between", () => {
    const source = { samples: Uint8Array.from(pattern(65, 301, 1)), width: 65, height: 301 };
    const columns = { samples: transpose(source.samples, 65), width: 301, height: 65 };
    const columnsFirst = transpose(resample(columns, 224), 224);
    expect(Buffer.compare(resample(source, 224), columnsFirst)).not.toBe(0);
  });
});
