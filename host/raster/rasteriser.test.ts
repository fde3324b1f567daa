import { readFileSync } from "node:fs";
import sharp from "sharp";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { errorCode } from "../base/error.ts";
import { bigEndianBytes, chunk, pattern, png, tiff, tripled } from "./fixtures/encode.ts";
import { rasterDigest } from "./raster.ts";
import { rasterise } from "./rasterise.ts";
import { Rasteriser, type RasteriserOptions } from "./rasteriser.ts";

const film = readFileSync(new URL("../../test/films/PNEUMONIA/person281_bacteria_1327.jpeg", import.meta.url));
const LIMITS: RasteriserOptions = { deadlineMs: 30_000, memoryMiB: 512, queueMax: 8 };

const shared = new Rasteriser(LIMITS);
afterAll(() => shared.stop());

const own: Rasteriser[] = [];
function start(options: Partial<RasteriserOptions>): Rasteriser {
  const rasteriser = new Rasteriser({ ...LIMITS, ...options });
  own.push(rasteriser);
  return rasteriser;
}
afterEach(async () => {
  await Promise.all(own.splice(0).map((rasteriser) => rasteriser.stop()));
});

const codeOf = (promise: Promise<unknown>) => promise.then(() => "no error", errorCode);

describe("the rasteriser", () => {
  test("gives in its child what the decoder gives in this process", async () => {
    const { raster, source, decodeMs, resampleMs } = await shared.rasterise(film);
    const direct = await rasterise(film, { maxPixels: 40_000_000, maxSidePx: 16_000 });
    expect(rasterDigest(raster)).toBe(rasterDigest(direct.raster));
    expect(source).toEqual({
      format: "jpeg",
      width: 904,
      height: 648,
      bitsPerSample: 8,
      orientation: 1,
      iccIgnored: false,
    });
    expect(Math.min(decodeMs, resampleMs)).toBeGreaterThan(0);
    expect(raster.samples.buffer.byteLength).toBe(224 * 224);
  });

  test("answers many at once, in one child", async () => {
    const rasteriser = start({});
    const rasters = await Promise.all(Array.from({ length: 8 }, () => rasteriser.rasterise(film)));
    expect(new Set(rasters.map(({ raster }) => rasterDigest(raster))).size).toBe(1);
    expect(rasteriser.state.starts).toBe(1);
  });

  test("refuses what exceeds its queue", async () => {
    const rasteriser = start({ queueMax: 1 });
    await rasteriser.rasterise(film);
    const codes = await Promise.all([1, 2, 3].map(() => codeOf(rasteriser.rasterise(film))));
    expect(codes).toEqual(["no error", "no error", "RASTER_BUSY"]);
  });

  test("kills a decoder that is late and goes on with a new one", async () => {
    const rasteriser = start({ deadlineMs: 1 });
    const large = new Uint8Array(6000 * 6000);
    const slow = png({ width: 6000, height: 6000, bits: 8, colourType: 0, data: large });
    expect(await codeOf(rasteriser.rasterise(slow))).toBe("RASTER_DEADLINE");
    expect(await codeOf(rasteriser.rasterise(slow))).toBe("RASTER_DEADLINE");
    expect(rasteriser.state.starts).toBe(2);
  });

  test("loses the child and not itself when an image needs more memory than the bound", async () => {
    const rasteriser = start({ memoryMiB: 160 });
    const size = { width: 6000, height: 6000 };
    const hungry = png({ ...size, bits: 16, colourType: 2, data: new Uint8Array(6000 * 6000 * 6) });
    expect(await codeOf(rasteriser.rasterise(hungry))).toBe("RASTER_CRASH");
    expect(await codeOf(rasteriser.rasterise(film))).toBe("no error");
  });

  test("replaces a decoder that was killed", async () => {
    const rasteriser = start({});
    await rasteriser.rasterise(film);
    process.kill(rasteriser.state.pid ?? 0, "SIGKILL");
    await expect.poll(() => rasteriser.state.pid).toBeUndefined();
    expect(await codeOf(rasteriser.rasterise(film))).toBe("no error");
    expect(rasteriser.state.starts).toBe(2);
  });

  test("refuses everything once stopped", async () => {
    const rasteriser = start({});
    const waiting = codeOf(rasteriser.rasterise(film));
    await rasteriser.stop();
    expect(await waiting).toBe("RASTER_STOPPED");
    expect(await codeOf(rasteriser.rasterise(film))).toBe("RASTER_STOPPED");
  });
});

const WIDTH = 100;
const HEIGHT = 80;
const size = { width: WIDTH, height: HEIGHT };
const grey = Uint8Array.from(pattern(WIDTH, HEIGHT, 1));
const almostGrey = tripled(grey);
almostGrey[almostGrey.length - 1] = (almostGrey.at(-1) ?? 0) ^ 1;
const almostGrey16 = tripled(pattern(WIDTH, HEIGHT, 1, 65535));
almostGrey16[1] = (almostGrey16[1] ?? 0) ^ 1;

const drawn = (channels: 1 | 3 | 4) =>
  sharp({ create: { ...size, channels: channels === 4 ? 4 : 3, background: { r: 200, g: 90, b: 30, alpha: 0.5 } } });
const greyPng = png({ ...size, bits: 8, colourType: 0, data: grey });
const greyTiff = { ...size, bits: 8, samplesPerPixel: 1, photometric: 1, data: grey };
const blank = (width: number, height: number) =>
  png({ width, height, bits: 8, colourType: 0, data: new Uint8Array(width * height) });

const damaged = Buffer.from(greyPng);
damaged[greyPng.length - 40] = (damaged[greyPng.length - 40] ?? 0) ^ 0xff;

/** A valid PNG whose header was made to promise more rows than its pixels have. */
function promisingMore(): Buffer {
  const header = Buffer.from(greyPng.subarray(16, 29));
  header.writeUInt32BE(HEIGHT * 2, 4);
  return Buffer.concat([greyPng.subarray(0, 8), chunk("IHDR", header), greyPng.subarray(33)]);
}

const REFUSED: readonly [string, string, () => Uint8Array | Promise<Uint8Array>][] = [
  ["a file without bytes", "RASTER_EMPTY", () => new Uint8Array(0)],
  ["a text file", "RASTER_FORMAT", () => Buffer.from("not an image, but named scan.png")],
  ["an animated GIF", "RASTER_FORMAT", () => drawn(3).gif().toBuffer()],
  ["a WebP", "RASTER_FORMAT", () => drawn(3).webp().toBuffer()],
  [
    "an animated PNG",
    "RASTER_ANIMATED",
    () => png({ ...size, bits: 8, colourType: 0, data: grey, before: [chunk("acTL", new Uint8Array(8))] }),
  ],
  ["a TIFF of two pages", "RASTER_ANIMATED", () => tiff({ ...greyTiff, pages: 2 })],
  ["an RGBA PNG", "RASTER_ALPHA", () => drawn(4).png().toBuffer()],
  [
    "a grey PNG with alpha",
    "RASTER_ALPHA",
    () => png({ ...size, bits: 8, colourType: 4, data: new Uint8Array(WIDTH * HEIGHT * 2).fill(255) }),
  ],
  [
    "a PNG with a transparent grey",
    "RASTER_ALPHA",
    () => png({ ...size, bits: 8, colourType: 0, data: grey, before: [chunk("tRNS", Uint8Array.of(0, 7))] }),
  ],
  ["an RGBA TIFF", "RASTER_ALPHA", () => drawn(4).tiff({ compression: "lzw" }).toBuffer()],
  ["a colour JPEG", "RASTER_COLOUR", () => drawn(3).jpeg().toBuffer()],
  ["a colour PNG", "RASTER_COLOUR", () => drawn(3).png().toBuffer()],
  ["a colour TIFF", "RASTER_COLOUR", () => drawn(3).tiff({ compression: "lzw" }).toBuffer()],
  [
    "a PNG whose last pixel has one level of colour",
    "RASTER_COLOUR",
    () => png({ ...size, bits: 8, colourType: 2, data: almostGrey }),
  ],
  [
    "a 16-bit PNG whose first pixel has 1/65535 of colour",
    "RASTER_COLOUR",
    () => png({ ...size, bits: 16, colourType: 2, data: bigEndianBytes(almostGrey16) }),
  ],
  ["a palette TIFF", "RASTER_COLOUR", () => tiff({ ...greyTiff, photometric: 3 })],
  ["a CMYK JPEG", "RASTER_CMYK", () => drawn(3).toColourspace("cmyk").jpeg().toBuffer()],
  ["a CMYK TIFF", "RASTER_CMYK", () => drawn(3).toColourspace("cmyk").tiff().toBuffer()],
  [
    "a 1-bit PNG",
    "RASTER_DEPTH",
    () => png({ width: 640, height: 480, bits: 1, colourType: 0, data: new Uint8Array(80 * 480) }),
  ],
  ["a 32-bit TIFF", "RASTER_DEPTH", () => tiff({ ...greyTiff, bits: 32, data: new Uint8Array(WIDTH * HEIGHT * 4) })],
  ["a TIFF of signed samples", "RASTER_DEPTH", () => tiff({ ...greyTiff, tags: { 339: 2 } })],
  ["an image of 1×1", "RASTER_TOO_SMALL", () => blank(1, 1)],
  ["an image of 63×100", "RASTER_TOO_SMALL", () => blank(63, 100)],
  ["an image 20,000 px wide", "RASTER_TOO_WIDE", () => blank(20_000, 100)],
  ["an image 20,000 px high", "RASTER_TOO_WIDE", () => blank(100, 20_000)],
  ["a bomb of 64 million pixels in 65 kB", "RASTER_TOO_MANY_PIXELS", () => blank(8000, 8000)],
  [
    "a bomb that only says how large it is",
    "RASTER_TOO_WIDE",
    () => Buffer.concat([greyPng.subarray(0, 16), Buffer.from("7fffffff7fffffff", "hex"), greyPng.subarray(24)]),
  ],
  ["a JPEG cut in half", "RASTER_CORRUPT", () => film.subarray(0, film.length / 2)],
  ["a JPEG cut in its header", "RASTER_CORRUPT", () => film.subarray(0, 100)],
  ["a JPEG without its last two bytes", "RASTER_CORRUPT", () => film.subarray(0, film.length - 2)],
  ["a PNG cut in half", "RASTER_CORRUPT", () => greyPng.subarray(0, greyPng.length / 2)],
  ["a PNG cut after its signature", "RASTER_CORRUPT", () => greyPng.subarray(0, 8)],
  ["a PNG with a flipped byte in its pixels", "RASTER_CORRUPT", () => damaged],
  ["a PNG that promises more rows than it has", "RASTER_CORRUPT", promisingMore],
  ["a TIFF cut in half", "RASTER_CORRUPT", () => tiff(greyTiff).subarray(0, 4000)],
  ["a TIFF cut in its directory", "RASTER_CORRUPT", () => tiff(greyTiff).subarray(0, 60)],
];

describe("the rasteriser refuses by name", () => {
  test.each(REFUSED)("%s: %s", async (_, code, make) => {
    expect(await codeOf(Promise.resolve(make()).then((bytes) => shared.rasterise(bytes)))).toBe(code);
  });

  test("a file of more bytes than allowed", async () => {
    expect(await codeOf(start({ maxBytes: film.length - 1 }).rasterise(film))).toBe("RASTER_TOO_LARGE");
  });

  test("and needed only one child for all of that", () => {
    expect(shared.state.starts).toBe(1);
  });
});
