/** Opens a model folder: manifest, precision variant for this CPU, digest of every file that will be used. */
import { hash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import type { AttentionSettings } from "../attention/attention.ts";
import { errorMessage } from "../base/error.ts";
import { InferenceError } from "./error.ts";
import { checkFiles, checkGraph, type PinnedFile, readManifestFile } from "./files.ts";
import { checkPattern, levelInputs } from "./pattern.ts";
import { type Manifest, manifestSchema, type Part, type Variant } from "./schema.ts";

/** What the appliance makes of an image, named as manifests name it. */
export interface Supported {
  readonly raster: string;
  readonly attention: string;
}

export interface LoadOptions {
  readonly supported: Supported;
  /** The variant to take whatever the CPU; by default the first that lists `cpu`. */
  readonly precision?: string;
  /** `process.arch` by default. */
  readonly cpu?: string;
}

/** A model folder whose files are what the manifest says. */
export interface LoadedModel {
  readonly manifest: Manifest;
  /** SHA-256 of manifest.json's bytes, hex: pins parts and calibration. */
  readonly digest: string;
  /** Name of the variant, e.g. `int8-u8s8`. */
  readonly precision: string;
  /** Null for pattern `none`: nothing is hashed for it. */
  readonly attention: AttentionSettings | null;
  /** Every file that will be used. */
  readonly files: readonly PinnedFile[];
  readonly backbone: LoadedPart;
  readonly head: LoadedPart;
}

export interface LoadedPart {
  /** The ONNX file. */
  readonly path: string;
  readonly part: Part;
  /** Inputs that take the attention pyramid, in the order of its grids; none when the other part takes it. */
  readonly levels: readonly string[];
}

/** A manifest that was read, and nothing else. */
export interface ReadManifest {
  readonly manifest: Manifest;
  /** SHA-256 of its bytes, hex. */
  readonly digest: string;
}

/** @throws InferenceError MODEL_MISSING, MODEL_TOO_LARGE, MODEL_MANIFEST */
export async function readManifest(directory: string): Promise<ReadManifest> {
  const path = join(directory, "manifest.json");
  const bytes = await readManifestFile(path);
  return { manifest: parseManifest(bytes, path), digest: hash("sha256", bytes) };
}

/**
 * @param directory holds manifest.json and the files it names, apart from those in `shared` beside it
 * @throws InferenceError with any MODEL_ code
 */
export async function loadModel(directory: string, options: LoadOptions): Promise<LoadedModel> {
  const { manifest, digest } = await readManifest(directory);
  checkSupported(manifest, options.supported);
  const [precision, variant] = chooseVariant(manifest, options);
  checkPattern(manifest, precision, variant);
  const roles = [
    ["backbone", variant.parts.backbone],
    ["head", variant.parts.head],
  ] as const;
  const files = roles
    .flatMap(([, part]) => (part.weights === undefined ? [part] : [part, part.weights]))
    .map(({ file, digest }) => ({ path: pathOf(directory, file), digest }));
  await checkFiles(files);
  for (const [role, part] of roles) await checkPart(directory, `variants.${precision}.parts.${role}`, part, manifest);
  const loaded = (role: "backbone" | "head", part: Part): LoadedPart => {
    return { path: pathOf(directory, part.file), part, levels: levelInputs(manifest, role, part) };
  };
  return {
    manifest,
    digest,
    precision,
    attention: attentionSettings(manifest),
    files,
    backbone: loaded(...roles[0]),
    head: loaded(...roles[1]),
  };
}

/** ONNX Runtime looks for a graph's weights beside the graph, and nowhere else. */
async function checkPart(directory: string, where: string, part: Part, manifest: Manifest): Promise<void> {
  const path = pathOf(directory, part.file);
  const weights = part.weights && pathOf(directory, part.weights.file);
  if (weights !== undefined && dirname(weights) !== dirname(path)) {
    throw new InferenceError("MODEL_MANIFEST", `${where}: ${part.file} and its weights are not in one folder`);
  }
  await checkGraph(path, weights, part, manifest);
}

/** `../shared/` is beside the model's folder, also where that was named by `.`. */
function pathOf(directory: string, file: string): string {
  return join(resolve(directory), file);
}

function parseManifest(bytes: Buffer, path: string): Manifest {
  const result = manifestSchema.safeParse(parseJson(bytes, path));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new InferenceError("MODEL_MANIFEST", `${path}${field === "" ? "" : `, ${field}`}: ${issue?.message}`);
}

function parseJson(bytes: Buffer, path: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new InferenceError("MODEL_MANIFEST", `${path} is not JSON: ${errorMessage(error)}`, { cause: error });
  }
}

function checkSupported({ name, raster, attention }: Manifest, supported: Supported): void {
  const unsupported = (what: string, asked: string, served: string) =>
    new InferenceError("MODEL_RUNTIME", `model ${name} needs ${what} ${asked}, this appliance serves ${served}`);
  if (raster !== supported.raster) throw unsupported("raster", raster, supported.raster);
  if (attention !== null && attention.version !== supported.attention) {
    throw unsupported("attention", attention.version, supported.attention);
  }
}

function chooseVariant({ name, variants }: Manifest, options: LoadOptions): [string, Variant] {
  const { precision, cpu = process.arch } = options;
  const all = Object.entries(variants);
  const found = all.find(([key, variant]) => (precision === undefined ? variant.cpu.includes(cpu) : key === precision));
  if (found !== undefined) return found;
  const offered = all.map(([key, variant]) => `${key} (${variant.cpu.join(", ")})`).join(", ");
  const wanted = precision === undefined ? `for the CPU ${cpu}` : `named ${precision}`;
  throw new InferenceError("MODEL_NO_VARIANT", `model ${name} has no variant ${wanted}; it has ${offered}`);
}

function attentionSettings({ attention }: Manifest): AttentionSettings | null {
  if (attention === null) return null;
  const scales = attention.scales.map((block, index) => ({ block, weight: attention.weights[index] ?? 0 }));
  return { scales, grids: attention.grids };
}
