/** The files of a model folder: bounded, and each the one that the manifest names. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { errorCode } from "../base/error.ts";
import { InferenceError } from "./error.ts";
import { type Graph, readGraph } from "./onnx.ts";
import { difference, tensorsOf } from "./pattern.ts";
import type { Manifest, Part } from "./schema.ts";

/** A file and the SHA-256 that it must have, hex. */
export interface PinnedFile {
  readonly path: string;
  readonly digest: string;
}

const MIB = 1024 * 1024;
const MANIFEST_BYTES_MAX = 64 * 1024;
/** A graph with its weights inside is read whole. */
const GRAPH_BYTES_MAX = 64 * MIB;
const WEIGHTS_BYTES_MAX = 512 * MIB;

/** @throws InferenceError MODEL_MISSING, MODEL_TOO_LARGE */
export async function readManifestFile(path: string): Promise<Buffer> {
  await sizeOf(path, MANIFEST_BYTES_MAX);
  return readFile(path).catch(missing(path));
}

/** @throws InferenceError MODEL_MISSING, MODEL_TOO_LARGE, MODEL_DIGEST */
export async function checkFiles(files: readonly PinnedFile[]): Promise<void> {
  for (const { path, digest } of files) {
    await sizeOf(path, WEIGHTS_BYTES_MAX);
    const sha256 = createHash("sha256");
    await pipeline(createReadStream(path), sha256).catch(missing(path));
    const found = sha256.digest("hex");
    if (found !== digest) {
      throw new InferenceError("MODEL_DIGEST", `${path}: the manifest says ${digest}, the file has ${found}`);
    }
  }
}

/**
 * Compares a part's ONNX file with the manifest, weights that are not there included.
 *
 * @param path of the ONNX file
 * @param weights path of its external weights
 * @throws InferenceError MODEL_GRAPH, MODEL_TOO_LARGE, MODEL_MISSING
 */
export async function checkGraph(path: string, weights: string | undefined, part: Part, manifest: Manifest) {
  await sizeOf(path, GRAPH_BYTES_MAX);
  const graph = parse(path, await readFile(path).catch(missing(path)));
  const wrong =
    prefixed("input ", difference(tensorsOf(part.inputs), graph.inputs)) ??
    prefixed("output ", difference(tensorsOf(part.outputs), graph.outputs)) ??
    (await wrongWeights(graph, weights)) ??
    wrongPurpose(graph, manifest);
  if (wrong !== undefined) throw new InferenceError("MODEL_GRAPH", `${path} is not what the manifest says: ${wrong}`);
}

const prefixed = (prefix: string, words: string | undefined) => (words === undefined ? undefined : prefix + words);

function parse(path: string, bytes: Uint8Array): Graph {
  try {
    return readGraph(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InferenceError("MODEL_GRAPH", `${path} is no ONNX file: ${error.message}`, { cause: error });
  }
}

/** The only file that a graph may refer to is the one whose digest the manifest has. */
async function wrongWeights({ external }: Graph, weights: string | undefined): Promise<string | undefined> {
  if (weights === undefined) {
    return external.length === 0 ? undefined : `its weights lie in ${external[0]?.location}, of which nothing is said`;
  }
  if (external.length === 0) return `it has no use for ${basename(weights)}`;
  const size = await sizeOf(weights, WEIGHTS_BYTES_MAX);
  for (const { location, offset, length } of external) {
    if (location !== basename(weights)) return `weights lie in ${location}, not ${basename(weights)}`;
    if (offset + length > size) return `weights end at byte ${offset + length} of ${location}, which has ${size}`;
  }
  return undefined;
}

/** What an exporter may write into the graph itself, so that it cannot be taken for another model's. */
function wrongPurpose({ metadata }: Graph, { raster, attention, labels }: Manifest): string | undefined {
  const expected = [
    ["lv06.raster", raster],
    ["lv06.attention", attention?.version ?? "none"],
    ["lv06.labels", labels.join(",")],
  ] as const;
  for (const [key, wanted] of expected) {
    const found = metadata.get(key);
    if (found !== undefined && found !== wanted) return `${key} is ${found}, not ${wanted}`;
  }
  return undefined;
}

/** Of a plain file; anything else could be read for ever. */
async function sizeOf(path: string, max: number): Promise<number> {
  const stats = await stat(path).catch(missing(path));
  if (!stats.isFile()) throw new InferenceError("MODEL_MISSING", `${path} is not a plain file`);
  if (stats.size <= max) return stats.size;
  throw new InferenceError("MODEL_TOO_LARGE", `${path} has ${stats.size} bytes, ${max} are allowed`);
}

function missing(path: string): (error: unknown) => never {
  return (error) => {
    throw new InferenceError("MODEL_MISSING", `${path} cannot be read (${errorCode(error)})`, { cause: error });
  };
}
