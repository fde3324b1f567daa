/** Opens a model folder: manifest, precision variant for this CPU, digest of every file that will be used. */
import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { AttentionSettings } from "../attention/attention.ts";
import { errorCode, errorMessage } from "../base/error.ts";
import { InferenceError } from "./error.ts";
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
  readonly attention: AttentionSettings;
  /** Every file that will be used. */
  readonly files: readonly PinnedFile[];
  readonly backbone: LoadedPart;
  readonly head: LoadedPart;
}

export interface LoadedPart {
  /** The ONNX file. */
  readonly path: string;
  readonly part: Part;
}

/** A file and the SHA-256 that it must have, hex. */
export interface PinnedFile {
  readonly path: string;
  readonly digest: string;
}

const MANIFEST_BYTES_MAX = 64 * 1024;

/**
 * @param directory holds manifest.json and the files it names
 * @throws InferenceError with any MODEL_ code
 */
export async function loadModel(directory: string, options: LoadOptions): Promise<LoadedModel> {
  const path = join(directory, "manifest.json");
  const bytes = await readBounded(path);
  const manifest = parseManifest(bytes, path);
  checkSupported(manifest, options.supported);
  const [precision, variant] = chooseVariant(manifest, options);
  checkPatternA(manifest, precision, variant);
  const { backbone, head } = variant.parts;
  const files = [backbone, head]
    .flatMap((part) => (part.weights === undefined ? [part] : [part, part.weights]))
    .map(({ file, digest }) => ({ path: join(directory, file), digest }));
  await checkFiles(files);
  return {
    manifest,
    digest: hash("sha256", bytes),
    precision,
    attention: attentionSettings(manifest),
    files,
    backbone: { path: join(directory, backbone.file), part: backbone },
    head: { path: join(directory, head.file), part: head },
  };
}

async function readBounded(path: string): Promise<Buffer> {
  const handle = await open(path).catch((error: unknown) => {
    throw new InferenceError("MODEL_MISSING", `${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  });
  try {
    const buffer = Buffer.alloc(MANIFEST_BYTES_MAX + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (bytesRead > MANIFEST_BYTES_MAX) {
      throw new InferenceError("MODEL_MANIFEST", `${path} has more than ${MANIFEST_BYTES_MAX} bytes`);
    }
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
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

function checkSupported({ name, raster, attention, pattern }: Manifest, supported: Supported): void {
  const unsupported = (what: string, asked: string, served: string) =>
    new InferenceError("MODEL_RUNTIME", `model ${name} needs ${what} ${asked}, this appliance serves ${served}`);
  if (raster !== supported.raster) throw unsupported("raster", raster, supported.raster);
  if (attention.version !== supported.attention) {
    throw unsupported("attention", attention.version, supported.attention);
  }
  if (pattern !== "A") throw unsupported("pattern", pattern, "A");
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

/** Pattern A (whitepaper 6.1): raster → features; features and one attention level → logit. */
function checkPatternA({ attention }: Manifest, precision: string, { parts }: Variant): void {
  const { backbone, head } = parts;
  const features = tensorKey(backbone.outputs.features);
  const [grid] = attention.grids;
  const wrong =
    (tensorKey(backbone.inputs.image) !== "uint8 1,1,224,224" && "backbone.inputs.image") ||
    (features === undefined && "backbone.outputs.features") ||
    (tensorKey(head.inputs.features) !== features && "head.inputs.features") ||
    (tensorKey(head.inputs.attention) !== `float32 1,1,${grid},${grid}` && "head.inputs.attention") ||
    (tensorKey(head.outputs.logit) !== "float32 1,1" && "head.outputs.logit") ||
    (attention.grids.length !== 1 && "attention.grids");
  if (wrong !== false) {
    throw new InferenceError("MODEL_MANIFEST", `variants.${precision}.parts.${wrong} does not fit pattern A`);
  }
}

function tensorKey(tensor: Part["inputs"][string] | undefined): string | undefined {
  return tensor && `${tensor.type} ${tensor.shape.join(",")}`;
}

/** @throws InferenceError MODEL_MISSING, MODEL_DIGEST */
export async function checkFiles(files: readonly PinnedFile[]): Promise<void> {
  for (const { path, digest } of files) {
    const sha256 = createHash("sha256");
    await pipeline(createReadStream(path), sha256).catch((error: unknown) => {
      throw new InferenceError("MODEL_MISSING", `${path} cannot be read (${errorCode(error)})`, { cause: error });
    });
    const found = sha256.digest("hex");
    if (found !== digest) {
      throw new InferenceError("MODEL_DIGEST", `${path}: the manifest says ${digest}, the file has ${found}`);
    }
  }
}

function attentionSettings({ attention }: Manifest): AttentionSettings {
  const scales = attention.scales.map((block, index) => ({ block, weight: attention.weights[index] ?? 0 }));
  return { scales, grids: attention.grids };
}
