import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RasterError } from "../raster/error.ts";
import { Rasteriser } from "../raster/rasteriser.ts";
import { npyHeader } from "./npy.ts";
import { type PrecomputeParts, precompute } from "./precompute.ts";

/** More than one batch, and no multiple of it. */
const IMAGES = 100;
const FILM = resolve(import.meta.dirname, "../raster/fixtures/kermany224/NORMAL");
const ARRAYS = ["raster.npy", "attention-4.npy", "attention-8.npy", "attention-16.npy", "attention-32.npy"];

let images: string;
let whole: string;
let out: string;
let rasteriser: Rasteriser;

/** Real films, each cut elsewhere, so that no two rows are equal. */
async function makeImages(folder: string): Promise<void> {
  mkdirSync(join(folder, "more"));
  const film = readFileSync(join(FILM, readdirSync(FILM)[0] ?? ""));
  for (let i = 0; i < IMAGES; i++) {
    const cut = { left: i % 16, top: i >> 4, width: 200, height: 200 };
    const place = join(folder, i % 2 === 0 ? "more" : "", `${String(i).padStart(3, "0")}.jpeg`);
    await sharp(film).extract(cut).resize(224, 224).jpeg().toFile(place);
  }
}

const parts = (changes: Partial<PrecomputeParts> = {}): PrecomputeParts => ({
  rasterise: (bytes) => rasteriser.rasterise(bytes),
  maxFileBytes: 1_000_000,
  progress: () => {},
  ...changes,
});

/** Rasterises `count` images and then fails, as a decoder that another image would have met in the same state. */
function failingAfter(count: number, error: Error): Partial<PrecomputeParts> {
  let calls = 0;
  return { rasterise: async (bytes) => (++calls > count ? Promise.reject(error) : rasteriser.rasterise(bytes)) };
}

const indexOf = (folder: string) =>
  readFileSync(join(folder, "index.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const bytesIn = (folder: string) =>
  Object.fromEntries([...ARRAYS, "index.jsonl"].map((name) => [name, sha256(readFileSync(join(folder, name)))]));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

beforeAll(async () => {
  images = mkdtempSync(join(tmpdir(), "precompute-images-"));
  whole = mkdtempSync(join(tmpdir(), "precompute-whole-"));
  rasteriser = new Rasteriser({ deadlineMs: 20_000, memoryMiB: 1024, queueMax: 64 });
  await makeImages(images);
  await precompute(images, whole, parts());
});

afterAll(async () => {
  await rasteriser.stop();
  rmSync(images, { recursive: true });
  rmSync(whole, { recursive: true });
});

beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), "precompute-out-"));
});

afterEach(() => {
  rmSync(out, { recursive: true });
});

describe("precompute", () => {
  test("writes arrays that np.load takes: one row an image, in the order of the index", () => {
    const index = indexOf(whole);
    expect(index.map(({ row }) => row)).toEqual(Array.from({ length: IMAGES }, (_, row) => row));
    const grids = [224, 56, 28, 14, 7];
    for (const [place, name] of ARRAYS.entries()) {
      const grid = grids[place] ?? 0;
      const bytes = readFileSync(join(whole, name));
      expect(bytes.subarray(0, 8).toString("latin1")).toBe("\x93NUMPY\x01\x00");
      const header = bytes.subarray(10, 10 + bytes.readUInt16LE(8)).toString("latin1");
      expect(header.trimEnd()).toBe(
        `{'descr': '|u1', 'fortran_order': False, 'shape': (${IMAGES}, ${grid}, ${grid}), }`,
      );
      expect(bytes.length).toBe(128 + IMAGES * grid * grid);
    }
  });

  test("a row is the image's raster, and the first digest byte of each of its blocks", () => {
    const row = 71;
    const samples = readFileSync(join(whole, "raster.npy")).subarray(
      128 + row * 224 * 224,
      128 + (row + 1) * 224 * 224,
    );
    const tag = Buffer.concat([Buffer.from("lv06/raster/1\0"), Buffer.from([0, 224, 0, 224])]);
    expect(indexOf(whole)[row]?.rasterDigest).toBe(sha256(Buffer.concat([tag, samples])));
    const [x, y] = [5, 20];
    const block = Buffer.concat(
      Array.from({ length: 8 }, (_, line) =>
        samples.subarray((y * 8 + line) * 224 + x * 8, (y * 8 + line) * 224 + x * 8 + 8),
      ),
    );
    const cell = readFileSync(join(whole, "attention-8.npy"))[128 + row * 28 * 28 + y * 28 + x];
    expect(cell).toBe(Number.parseInt(sha256(block).slice(0, 2), 16));
  });

  test.each([
    ["RASTER_STOPPED", new RasterError("RASTER_STOPPED", "the decoder is stopped")],
    ["RASTER_START", new RasterError("RASTER_START", "the decoder did not start")],
    ["RASTER_BUSY", new RasterError("RASTER_BUSY", "too many wait")],
    ["EMFILE", Object.assign(new Error("too many open files"), { code: "EMFILE" })],
  ])("%s ends the run with itself, is no refusal, and a second run makes the same bytes", async (code, error) => {
    await expect(precompute(images, out, parts(failingAfter(80, error)))).rejects.toMatchObject({ code });
    expect(indexOf(out).every(({ row }) => row !== null)).toBe(true);
    const summary = await precompute(images, out, parts());
    expect(summary).toEqual({ files: IMAGES, rows: IMAGES, refused: 0, resumed: 64 });
    expect(bytesIn(out)).toEqual(bytesIn(whole));
  });

  test("a file that vanishes while the run goes on ends it by name", async () => {
    const folder = join(out, "images");
    cpSync(images, folder, { recursive: true });
    const vanish = { progress: () => rmSync(join(folder, "099.jpeg"), { force: true }) };
    await expect(precompute(folder, join(out, "arrays"), parts(vanish))).rejects.toMatchObject({
      code: "INGEST_MISSING",
    });
  });

  test("files that are themselves at fault are in the index with their reason, and have no row", async () => {
    const folder = join(out, "images");
    mkdirSync(folder);
    cpSync(join(images, "001.jpeg"), join(folder, "a.jpeg"));
    writeFileSync(join(folder, "b.png"), "this is a letter, not a film");
    writeFileSync(join(folder, "c.png"), "");
    writeFileSync(join(folder, "d.png"), new Uint8Array(1_000_001));
    cpSync(join(images, "003.jpeg"), join(folder, "e.jpeg"));
    const summary = await precompute(folder, out, parts());
    expect(summary).toEqual({ files: 5, rows: 2, refused: 3, resumed: 0 });
    expect(indexOf(out)).toMatchObject([
      { row: 0, file: "a.jpeg" },
      { row: null, file: "b.png", code: "RASTER_FORMAT" },
      { row: null, file: "c.png", code: "RASTER_EMPTY" },
      { row: null, file: "d.png", code: "INGEST_TOO_LARGE" },
      { row: 1, file: "e.jpeg" },
    ]);
    expect(await precompute(folder, out, parts())).toEqual({ files: 5, rows: 2, refused: 3, resumed: 5 });
  });

  test("a last line that a power cut tore is done again", async () => {
    cpSync(whole, out, { recursive: true });
    truncateSync(join(out, "index.jsonl"), readFileSync(join(out, "index.jsonl")).length - 10);
    expect(await precompute(images, out, parts())).toMatchObject({ rows: IMAGES, resumed: IMAGES - 1 });
    expect(bytesIn(out)).toEqual(bytesIn(whole));
  });

  test.each([
    ["an array that lost its end", () => truncateSync(join(out, "raster.npy"), 128 + 50 * 224 * 224)],
    ["an array that is gone", () => rmSync(join(out, "attention-16.npy"))],
    ["an array of another shape", () => writeHeader("attention-8.npy", [IMAGES, 14, 56])],
    ["an array with fewer rows", () => writeHeader("attention-8.npy", [IMAGES - 1, 28, 28])],
    ["an array of another kind", () => writeFileSync(join(out, "attention-4.npy"), new Uint8Array(1_000_000))],
    ["an index with words in it", () => writeFileSync(join(out, "index.jsonl"), "not json\n")],
    ["an index with a gap", () => replaceInIndex('{"row":5,', '{"row":6,')],
    ["an index with half a line in it", () => appendFileSync(join(out, "index.jsonl"), "null\n")],
  ])("%s is PRECOMPUTE_DAMAGED, not zeros in the data", async (_, spoil) => {
    cpSync(whole, out, { recursive: true });
    spoil();
    await expect(precompute(images, out, parts())).rejects.toMatchObject({ code: "PRECOMPUTE_DAMAGED" });
  });

  test("arrays without an index are made anew, however long they were", async () => {
    cpSync(whole, out, { recursive: true });
    rmSync(join(out, "index.jsonl"));
    await precompute(join(images, "more"), out, parts());
    expect(readFileSync(join(out, "raster.npy")).length).toBe(128 + (IMAGES / 2) * 224 * 224);
  });

  test("other files than those of the first run are PRECOMPUTE_CHANGED", async () => {
    cpSync(whole, out, { recursive: true });
    await expect(precompute(join(images, "more"), out, parts())).rejects.toMatchObject({ code: "PRECOMPUTE_CHANGED" });
  });

  test("folders that are empty, missing or not to be written are named", async () => {
    await expect(precompute(out, out, parts())).rejects.toMatchObject({ code: "PRECOMPUTE_EMPTY" });
    await expect(precompute(join(out, "no"), out, parts())).rejects.toMatchObject({ code: "PRECOMPUTE_FOLDER" });
    writeFileSync(join(out, "file"), "");
    await expect(precompute(images, join(out, "file"), parts())).rejects.toMatchObject({ code: "PRECOMPUTE_OUT" });
    mkdirSync(join(out, "raster.npy"));
    await expect(precompute(images, out, parts())).rejects.toMatchObject({ code: "PRECOMPUTE_OUT" });
  });
});

function writeHeader(name: string, shape: readonly number[]): void {
  const bytes = readFileSync(join(out, name));
  bytes.set(npyHeader(shape));
  writeFileSync(join(out, name), bytes);
}

function replaceInIndex(from: string, to: string): void {
  const path = join(out, "index.jsonl");
  writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
}
