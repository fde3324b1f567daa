import sharp, { type RawOptions, type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { decode } from "./decode.ts";
import {
  bigEndianBytes,
  chunk,
  littleEndianBytes,
  pattern,
  png,
  type Samples,
  tiff,
  tripled,
} from "./fixtures/encode.ts";

const BOUNDS = { maxPixels: 40_000_000, maxSidePx: 16_000 };
const WIDTH = 203;
const HEIGHT = 149;
const size = { width: WIDTH, height: HEIGHT };

const grey8 = Uint8Array.from(pattern(WIDTH, HEIGHT, 1));
/** 12-bit data in 16-bit samples, as detectors deliver it. */
const grey12 = pattern(WIDTH, HEIGHT, 2, 4095);
const grey16 = pattern(WIDTH, HEIGHT, 3, 65535);
const reduced = (samples: Uint16Array) => Uint8Array.from(samples, (v) => Number((BigInt(v) * 255n + 32767n) / 65535n));

const png16 = (samples: Uint16Array, colourType: number) =>
  png({ ...size, bits: 16, colourType, data: bigEndianBytes(samples) });
const tiff16 = (samples: Uint16Array, samplesPerPixel: 1 | 3, photometric: number) =>
  tiff({ ...size, bits: 16, samplesPerPixel, photometric, data: littleEndianBytes(samples) });
const lzwTiff = (samples: Uint16Array) =>
  sharp(samples, { raw: { ...size, channels: 1 } })
    .toColourspace("grey16")
    .tiff({ compression: "lzw" })
    .toBuffer();

async function expectSamples(file: Uint8Array, expected: Uint8Array): Promise<void> {
  const decoded = await decode(file, BOUNDS);
  expect([decoded.width, decoded.height]).toEqual([WIDTH, HEIGHT]);
  expect(Buffer.compare(decoded.samples, expected)).toBe(0);
}

describe("decoding is exact for", () => {
  const tiff8 = { ...size, bits: 8, samplesPerPixel: 1, photometric: 1, data: grey8 };
  const palette = Buffer.from(Array.from({ length: 256 }, (_, i) => [255 - i, 255 - i, 255 - i]).flat());
  test.each<[string, Uint8Array, Uint8Array]>([
    ["an 8-bit grey PNG", png({ ...size, bits: 8, colourType: 0, data: grey8 }), grey8],
    ["an 8-bit RGB PNG with equal channels", png({ ...size, bits: 8, colourType: 2, data: tripled(grey8) }), grey8],
    [
      "a PNG with a grey palette",
      png({ ...size, bits: 8, colourType: 3, data: grey8, before: [chunk("PLTE", palette)] }),
      grey8.map((v) => 255 - v),
    ],
    ["a 16-bit grey PNG", png16(grey16, 0), reduced(grey16)],
    ["12 bits in a 16-bit grey PNG", png16(grey12, 0), reduced(grey12)],
    ["a 16-bit RGB PNG with equal channels", png16(tripled(grey16), 2), reduced(grey16)],
    ["an 8-bit grey TIFF", tiff(tiff8), grey8],
    ["a big-endian TIFF", tiff({ ...tiff8, bigEndian: true }), grey8],
    ["an 8-bit RGB TIFF", tiff({ ...tiff8, samplesPerPixel: 3, photometric: 2, data: tripled(grey8) }), grey8],
    ["an 8-bit TIFF with white as 0", tiff({ ...tiff8, photometric: 0, data: grey8 }), grey8.map((v) => 255 - v)],
    ["a 16-bit grey TIFF", tiff16(grey16, 1, 1), reduced(grey16)],
    ["a 16-bit TIFF with white as 0", tiff16(grey16, 1, 0), reduced(grey16.map((v) => 65535 - v))],
    ["a 16-bit RGB TIFF with equal channels", tiff16(tripled(grey16), 3, 2), reduced(grey16)],
  ])("%s", async (_, file, expected) => {
    await expectSamples(file, expected);
  });

  test("12 bits in a 16-bit LZW TIFF", async () => {
    await expectSamples(await lzwTiff(grey12), reduced(grey12));
  });

  test("all 65,536 values of 16 bits", async () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const file = png({ width: 256, height: 256, bits: 16, colourType: 0, data: bigEndianBytes(all) });
    expect(Buffer.compare((await decode(file, BOUNDS)).samples, reduced(all))).toBe(0);
  });
});

describe("of sharp's five obvious calls on 12 bits in 16", () => {
  const wrong: readonly [string, boolean, RawOptions | undefined][] = [
    [".raw()", false, undefined],
    [".raw({depth: 'ushort'})", false, { depth: "ushort" }],
    [".toColourspace('grey16').raw()", true, undefined],
  ];
  const files = async () => [png16(grey12, 0), await lzwTiff(grey12)];

  /** The share of pixels, by first channel, that a call gets wrong: as they are, or reduced to 8 bits. */
  async function wrongShare(call: Sharp): Promise<number> {
    const { data, info } = await call.toBuffer({ resolveWithObject: true });
    const deep = data.length === WIDTH * HEIGHT * info.channels * 2;
    const found: Samples = deep ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
    const expected: Samples = deep ? grey12 : reduced(grey12);
    return expected.filter((value, i) => value !== found[i * info.channels]).length / expected.length;
  }

  test.each(wrong)("%s is wrong", async (_, named, raw) => {
    for (const file of await files()) {
      const image = sharp(file, { ignoreIcc: true });
      expect(await wrongShare((named ? image.toColourspace("grey16") : image).raw(raw))).toBeGreaterThan(0.4);
    }
  });

  test(".greyscale().raw({depth: 'ushort'}) is wrong", async () => {
    for (const file of await files()) {
      const call = sharp(file, { ignoreIcc: true }).greyscale().raw({ depth: "ushort" });
      expect(await wrongShare(call)).toBeGreaterThan(0.4);
    }
  });

  test("only .toColourspace('grey16').raw({depth: 'ushort'}) is exact", async () => {
    for (const file of await files()) {
      const call = sharp(file, { ignoreIcc: true }).toColourspace("grey16").raw({ depth: "ushort" });
      expect(await wrongShare(call)).toBe(0);
    }
  });
});
