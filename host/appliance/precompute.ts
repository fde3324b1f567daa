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
import { appendFile, mkdir, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { blockDigests } from "../attention/attention.ts";
import { BLOCK_SIZES, type BlockSize, gridOf } from "../attention/blocks.ts";
import { firstBytes } from "../attention/map.ts";
import { errorCode, errorMessage } from "../base/error.ts";
import { IngestError } from "../ingest/error.ts";
import { readImageFile } from "../ingest/read.ts";
import { isRefusal, type RasterError } from "../raster/error.ts";
import { fileDigest, RASTER_SIZE, rasterDigest } from "../raster/raster.ts";
import type { Rasterised } from "../raster/rasterise.ts";
import { ApplianceError } from "./error.ts";
import { imageFiles, inOrder } from "./image-files.ts";
import { NpyWriter } from "./npy.ts";

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

/**
 * @throws ApplianceError; what hindered a file without being the file's own fault, such as RASTER_START: mend it and
 *   run again
 */
export async function precompute(folder: string, out: string, parts: PrecomputeParts): Promise<PrecomputeSummary> {
  const files = await filesOf(folder);
  await mkdir(out, { recursive: true }).catch(outError(out));
  const index = join(out, "index.jsonl");
  const done = await readIndex(index);
  done.forEach(({ file }, place) => {
    if (files[place] !== file) throw new ApplianceError("PRECOMPUTE_CHANGED", `${index} has ${file} as file ${place}`);
  });
  const arrays: Arrays = new Map();
  let rows = done.filter(({ row }) => row !== null).length;
  try {
    await openArrays(arrays, out).catch(outError(out));
    if (done.length > 0) await refuseDamage(arrays, out, rows);
    parts.progress(done.length, files.length);
    for (let from = done.length; from < files.length; from += BATCH) {
      const lines: string[] = [];
      for await (const item of inOrder(files.slice(from, from + BATCH), AHEAD, (file) => read(folder, file, parts))) {
        if ("samples" in item) await writeRow(arrays, rows, item.samples).catch(outError(out));
        lines.push(JSON.stringify("samples" in item ? { row: rows++, ...item.line } : { row: null, ...item.line }));
        parts.progress(from + lines.length, files.length);
      }
      await makeDurable(arrays, rows, index, lines).catch(outError(out));
    }
  } finally {
    for (const array of arrays.values()) await array.close();
  }
  return { files: files.length, rows, refused: files.length - rows, resumed: done.length };
}

/** A way to name what goes wrong with the output folder: no space, no permission, no such device. */
function outError(out: string): (error: unknown) => never {
  return (error) => {
    throw new ApplianceError("PRECOMPUTE_OUT", `${out}: ${errorMessage(error)}`, { cause: error });
  };
}

async function filesOf(folder: string): Promise<string[]> {
  const found = await imageFiles(folder, FILES_MAX).catch((error: unknown) => {
    throw new ApplianceError("PRECOMPUTE_FOLDER", `${folder}: ${errorMessage(error)}`, { cause: error });
  });
  if (found.length === 0) throw new ApplianceError("PRECOMPUTE_EMPTY", `${folder} has no image files`);
  if (found.length > FILES_MAX) {
    throw new ApplianceError("PRECOMPUTE_TOO_MANY", `${folder} has more than ${FILES_MAX} image files`);
  }
  return found;
}

/** The finished lines; a last one that a crash cut short is taken away. */
async function readIndex(path: string): Promise<IndexLine[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return "";
    throw new ApplianceError("PRECOMPUTE_OUT", `${path}: ${errorMessage(error)}`, { cause: error });
  });
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  const lines = whole.split("\n").slice(0, -1).map(parseLine);
  let rows = 0;
  lines.forEach((line, place) => {
    const fits = line !== undefined && (line.row === null || line.row === rows++);
    if (!fits) throw new ApplianceError("PRECOMPUTE_DAMAGED", `${path}: line ${place + 1} is not one of ours`);
  });
  return lines.filter((line) => line !== undefined);
}

function parseLine(text: string): IndexLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<IndexLine> | null;
    const { row, file } = line ?? {};
    return row === undefined || typeof file !== "string" ? undefined : { row, file };
  } catch {
    return undefined;
  }
}

type Arrays = Map<"raster" | BlockSize, NpyWriter>;

async function openArrays(arrays: Arrays, out: string): Promise<void> {
  arrays.set("raster", await NpyWriter.open(join(out, "raster.npy"), [RASTER_SIZE, RASTER_SIZE]));
  for (const block of BLOCK_SIZES) {
    arrays.set(block, await NpyWriter.open(join(out, `attention-${block}.npy`), [gridOf(block), gridOf(block)]));
  }
}

/** The index is written last: arrays that have less than it says are not what an interruption leaves. */
async function refuseDamage(arrays: Arrays, out: string, rows: number): Promise<void> {
  for (const [name, array] of arrays) {
    if (await array.holds(rows)) continue;
    const file = name === "raster" ? "raster.npy" : `attention-${name}.npy`;
    throw new ApplianceError("PRECOMPUTE_DAMAGED", `${join(out, file)} is not the array of the index's ${rows} rows`);
  }
}

async function makeDurable(arrays: Arrays, rows: number, index: string, lines: readonly string[]): Promise<void> {
  for (const array of arrays.values()) await array.finish(rows);
  await appendFile(index, `${lines.join("\n")}\n`, { flush: true });
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
    if (!isFilesFault(error)) throw error;
    return { line: { file, code: error.code, message: error.message } };
  }
}

/** The same file will be refused again; anything else may pass, and must not be missing from a data set for good. */
function isFilesFault(error: unknown): error is RasterError | IngestError {
  return isRefusal(error) || (error instanceof IngestError && error.code === "INGEST_TOO_LARGE");
}
