/**
 * A data set's rasters and attention maps as files that training reads (whitepaper 8.1), made by the very code
 * that serves, so that the two cannot disagree:
 *
 * - `raster.npy` u8 [N,224,224] and `attention-{4,8,16,32}.npy` u8 [N,g,g], digest byte 0 of each block;
 * - `index.jsonl`, one line a file: `{row, file, fileDigest, rasterDigest}`, or `{row: null, file, code, message}`
 *   for a file that was refused.
 *
 * Resumable: the index is written after the rows it speaks of, and tells where to go on.
 */
import { appendFile, mkdir, readdir, readFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { blockDigests } from "../attention/attention.ts";
import { BLOCK_SIZES, type BlockSize, gridOf } from "../attention/blocks.ts";
import { firstBytes } from "../attention/map.ts";
import { errorCode, errorMessage } from "../base/error.ts";
import { readImageFile } from "../ingest/read.ts";
import { fileDigest, RASTER_SIZE, rasterDigest } from "../raster/raster.ts";
import type { Rasterised } from "../raster/rasterise.ts";
import { ApplianceError } from "./error.ts";
import { NpyWriter } from "./npy.ts";

const EXTENSIONS = /\.(jpe?g|png|tiff?)$/i;
const DEPTH_MAX = 8;
const FILES_MAX = 1_000_000;
/** Files decoded at once, and between two durable states. */
const AHEAD = 4;
const BATCH = 64;

export interface PrecomputeParts {
  rasterise(bytes: Uint8Array): Promise<Rasterised>;
  readonly maxFileBytes: number;
  progress(done: number, total: number): void;
}

export interface PrecomputeSummary {
  readonly files: number;
  readonly rows: number;
  readonly refused: number;
  /** Files that an earlier run had done. */
  readonly resumed: number;
}

interface IndexLine {
  readonly row: number | null;
  readonly file: string;
}

/** @throws ApplianceError */
export async function precompute(folder: string, out: string, parts: PrecomputeParts): Promise<PrecomputeSummary> {
  const files = await imageFiles(folder);
  await mkdir(out, { recursive: true }).catch((error: unknown) => {
    throw new ApplianceError("PRECOMPUTE_OUT", `${out}: ${errorMessage(error)}`, { cause: error });
  });
  const index = join(out, "index.jsonl");
  const done = await readIndex(index);
  done.forEach(({ file }, place) => {
    if (files[place] !== file) throw new ApplianceError("PRECOMPUTE_CHANGED", `${index} has ${file} as file ${place}`);
  });
  const arrays = await openArrays(out);
  let rows = done.filter(({ row }) => row !== null).length;
  try {
    parts.progress(done.length, files.length);
    for (let from = done.length; from < files.length; from += BATCH) {
      const lines: string[] = [];
      for await (const item of inOrder(files.slice(from, from + BATCH), (file) => read(folder, file, parts))) {
        if ("samples" in item) await writeRow(arrays, rows, item.samples);
        lines.push(JSON.stringify("samples" in item ? { row: rows++, ...item.line } : { row: null, ...item.line }));
        parts.progress(from + lines.length, files.length);
      }
      for (const array of arrays.values()) await array.finish(rows);
      await appendFile(index, `${lines.join("\n")}\n`, { flush: true });
    }
  } finally {
    for (const array of arrays.values()) await array.close();
  }
  return { files: files.length, rows, refused: files.length - rows, resumed: done.length };
}

/** Image files below `folder`, relative, sorted; links are not followed, so a loop of them cannot trap us. */
async function imageFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (below: string, depth: number): Promise<void> => {
    if (depth > DEPTH_MAX) return;
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(name, depth + 1);
      else if (entry.isFile() && EXTENSIONS.test(entry.name) && found.length < FILES_MAX) found.push(name);
    }
  };
  try {
    await walk("", 0);
  } catch (error) {
    throw new ApplianceError("PRECOMPUTE_FOLDER", `${folder}: ${errorMessage(error)}`, { cause: error });
  }
  if (found.length === 0) throw new ApplianceError("PRECOMPUTE_EMPTY", `${folder} has no image files`);
  return found.sort();
}

/** The finished lines; a last one that a crash cut short is taken away. */
async function readIndex(path: string): Promise<IndexLine[]> {
  const size = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  if (size === 0) return [];
  const text = await readFile(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  return whole
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as IndexLine);
}

type Arrays = ReadonlyMap<"raster" | BlockSize, NpyWriter>;

async function openArrays(out: string): Promise<Arrays> {
  const arrays = new Map<"raster" | BlockSize, NpyWriter>();
  arrays.set("raster", await NpyWriter.open(join(out, "raster.npy"), [RASTER_SIZE, RASTER_SIZE]));
  for (const block of BLOCK_SIZES) {
    arrays.set(block, await NpyWriter.open(join(out, `attention-${block}.npy`), [gridOf(block), gridOf(block)]));
  }
  return arrays;
}

async function writeRow(arrays: Arrays, row: number, samples: Uint8Array): Promise<void> {
  await arrays.get("raster")?.write(row, samples);
  for (const block of BLOCK_SIZES) {
    await arrays.get(block)?.write(row, firstBytes(await blockDigests(samples, block)));
  }
}

async function read(folder: string, file: string, parts: PrecomputeParts) {
  try {
    const bytes = await readImageFile(join(folder, file), parts.maxFileBytes);
    const { raster } = await parts.rasterise(bytes);
    const line = { file, fileDigest: fileDigest(bytes), rasterDigest: rasterDigest(raster) };
    return { samples: raster.samples, line };
  } catch (error) {
    return { line: { file, code: errorCode(error), message: errorMessage(error) } };
  }
}

/** Works on a few items ahead and yields the answers in the items' order. */
async function* inOrder<Item, Answer>(items: readonly Item[], work: (item: Item) => Promise<Answer>) {
  const under: Promise<Answer>[] = [];
  for (const item of items) {
    under.push(work(item));
    const first = under.length >= AHEAD ? under.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  yield* under;
}
