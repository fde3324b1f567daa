import { readdirSync, readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decode } from "./decode.ts";
import { tripled, withoutIccProfile } from "./fixtures/encode.ts";
import { fileDigest, RASTER_SIZE, rasterDigest } from "./raster.ts";
import { rasterise } from "./rasterise.ts";

const BOUNDS = { maxPixels: 40_000_000, maxSidePx: 16_000 };
const FILMS = new URL("../../test/films/", import.meta.url);
const DATA_SET = new URL("./fixtures/kermany224/", import.meta.url);

const films = ["NORMAL", "PNEUMONIA"].flatMap((label) =>
  readdirSync(new URL(`${label}/`, FILMS)).map((name) => `${label}/${name}`),
);
const film = (name: string) => readFileSync(new URL(name, FILMS));

/** How the data set stored its reduced images: Pillow's JPEG defaults at quality 75, three equal channels. */
function asInDataSet(samples: Uint8Array): Promise<Buffer> {
  return sharp(tripled(samples), { raw: { width: RASTER_SIZE, height: RASTER_SIZE, channels: 3 } })
    .jpeg({ quality: 75, chromaSubsampling: "4:2:0", optimiseCoding: false, mozjpeg: false })
    .toBuffer();
}

describe("the eight films", () => {
  test("are eight", () => {
    expect(films).toHaveLength(8);
  });

  test.each(films)("%s becomes the data set's own 224×224 pixels after the data set's JPEG step", async (name) => {
    const { raster } = await rasterise(film(name), BOUNDS);
    const ours = await decode(await asInDataSet(raster.samples), BOUNDS);
    const theirs = await decode(readFileSync(new URL(name, DATA_SET)), BOUNDS);
    expect(Buffer.compare(ours.samples, theirs.samples)).toBe(0);
  });
});

describe("a colour profile", () => {
  const profiled = films.filter((name) => name.startsWith("NORMAL"));

  /** Mean absolute difference from the pixels that sharp gives when it applies the profile, in grey levels. */
  async function shift(file: Buffer, samples: Uint8Array): Promise<number> {
    const corrected = await sharp(file).toColourspace("b-w").raw().toBuffer();
    return corrected.reduce((sum, value, i) => sum + Math.abs(value - (samples[i] ?? 0)), 0) / corrected.length;
  }

  test.each(profiled)("of %s is recorded and ignored, though sharp would shift 12 to 15 levels", async (name) => {
    const file = film(name);
    const decoded = await decode(file, BOUNDS);
    const stripped = await decode(withoutIccProfile(file), BOUNDS);
    expect(decoded.source.iccIgnored).toBe(true);
    expect(stripped.source.iccIgnored).toBe(false);
    expect(Buffer.compare(decoded.samples, stripped.samples)).toBe(0);
    const levels = await shift(file, decoded.samples);
    expect(levels).toBeGreaterThan(12);
    expect(levels).toBeLessThan(15);
  });
});

describe("digests", () => {
  test("of a raster have a tag and the size in front of the samples", () => {
    const samples = new Uint8Array(RASTER_SIZE ** 2);
    expect(rasterDigest({ samples })).toBe(
      fileDigest(Buffer.concat([Buffer.from("lv06/raster/1\0\0\xe0\0\xe0", "latin1"), samples])),
    );
  });

  test("of a file are plain SHA-256", () => {
    expect(fileDigest(Buffer.from("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
