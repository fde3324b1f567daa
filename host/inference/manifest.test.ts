import { createHash } from "node:crypto";
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { InferenceError } from "./error.ts";
import { loadModel } from "./manifest.ts";

const TINY = new URL("./fixtures/tiny/", import.meta.url).pathname;
const supported = { raster: "raster-v1", attention: "attention-v1" };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lv06-model-"));
  await cp(TINY, folder, { recursive: true });
});

afterEach(() => rm(folder, { recursive: true }));

const load = (cpu = "x64") => loadModel(folder, { supported, cpu });

/** Applies `change` to the manifest's JSON. */
async function edit(change: (manifest: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, "manifest.json");
  const manifest = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

async function refusal(promise: Promise<unknown>): Promise<InferenceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InferenceError);
  return error as InferenceError;
}

test("a model folder is opened with the variant of the CPU", async () => {
  expect(await load("x64")).toMatchObject({ precision: "int8-u8s8" });
  expect(await load("arm64")).toMatchObject({ precision: "int8-s8s8" });
});

test("the model's digest is the SHA-256 of manifest.json's bytes", async () => {
  const bytes = await readFile(join(folder, "manifest.json"));
  expect((await load()).digest).toBe(createHash("sha256").update(bytes).digest("hex"));
});

test("the attention settings pair every scale with its weight", async () => {
  expect((await load()).attention).toEqual({
    scales: [
      { block: 4, weight: 0.2 },
      { block: 8, weight: 0.5 },
      { block: 16, weight: 0.3 },
    ],
    grids: [7],
  });
});

test("a variant can be chosen by name whatever the CPU", async () => {
  const model = await loadModel(folder, { supported, cpu: "x64", precision: "int8-s8s8" });
  expect(model.precision).toBe("int8-s8s8");
});

test("a CPU without a variant is refused with the ones there are", async () => {
  const error = await refusal(load("riscv64"));
  expect(error).toMatchObject({ code: "MODEL_NO_VARIANT" });
  expect(error.detail).toContain("int8-u8s8 (x64), int8-s8s8 (arm64)");
});

test("an unknown variant name is refused", async () => {
  const error = await refusal(loadModel(folder, { supported, precision: "fp64" }));
  expect(error).toMatchObject({ code: "MODEL_NO_VARIANT" });
});

test("a folder without a manifest is missing", async () => {
  await rm(join(folder, "manifest.json"));
  expect(await refusal(load())).toMatchObject({ code: "MODEL_MISSING" });
});

test.each(["backbone-int8-u8s8.onnx", "backbone-int8.bin", "head.onnx"])("a missing %s is named", async (file) => {
  await rm(join(folder, file));
  const error = await refusal(load());
  expect(error.code).toBe("MODEL_MISSING");
  expect(error.detail).toContain(file);
});

test.each(["backbone-int8-u8s8.onnx", "backbone-int8.bin", "head.onnx"])(
  "a changed %s is refused, with the digest expected and the one found",
  async (file) => {
    const before = createHash("sha256").update(await readFile(join(folder, file)));
    await appendFile(join(folder, file), "x");
    const after = createHash("sha256").update(await readFile(join(folder, file)));
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_DIGEST");
    expect(error.detail).toContain(file);
    expect(error.detail).toContain(before.digest("hex"));
    expect(error.detail).toContain(after.digest("hex"));
  },
);

test("a file of another variant is not read", async () => {
  await rm(join(folder, "backbone-int8-s8s8.onnx"));
  expect(await load("x64")).toMatchObject({ precision: "int8-u8s8" });
});

test("a manifest that is not JSON is refused", async () => {
  await writeFile(join(folder, "manifest.json"), "{");
  expect(await refusal(load())).toMatchObject({ code: "MODEL_MANIFEST" });
});

test("a manifest above the size limit is refused unread", async () => {
  await writeFile(join(folder, "manifest.json"), " ".repeat(65 * 1024));
  const error = await refusal(load());
  expect(error.code).toBe("MODEL_MANIFEST");
  expect(error.detail).toContain("65536 bytes");
});

test.each<[string, (manifest: Record<string, unknown>) => void]>([
  ["temperature", (m) => Object.assign(m, { temperature: 0 })],
  ["threshold", (m) => Object.assign(m, { threshold: 1.5 })],
  ["attention.weights", (m) => Object.assign(m.attention as object, { weights: [1] })],
  ["attention.scales.0", (m) => Object.assign(m.attention as object, { scales: [5, 8, 16] })],
  ["variants", (m) => Object.assign(m, { variants: {} })],
  ["name", (m) => Object.assign(m, { name: "../tiny" })],
])("a wrong %s is named", async (field, change) => {
  await edit(change);
  const error = await refusal(load());
  expect(error.code).toBe("MODEL_MANIFEST");
  expect(error.detail).toContain(field);
});

test("a field that is not in the contract is refused", async () => {
  await edit((manifest) => Object.assign(manifest, { trheshold: 0.5 }));
  const error = await refusal(load());
  expect(error.code).toBe("MODEL_MANIFEST");
  expect(error.detail).toContain("trheshold");
});

test.each<[string, (parts: Record<string, Record<string, unknown>>) => void]>([
  ["a part outside the folder", (parts) => Object.assign(parts.head ?? {}, { file: "../head.onnx" })],
  ["a backbone that takes no raster", (parts) => Object.assign(parts.backbone ?? {}, { inputs: {} })],
  ["a head that gives no logit", (parts) => Object.assign(parts.head ?? {}, { outputs: {} })],
])("%s is refused", async (_, change) => {
  await edit((manifest) => {
    const variants = manifest.variants as Record<string, { parts: Record<string, Record<string, unknown>> }>;
    change(variants["int8-u8s8"]?.parts ?? {});
  });
  expect(await refusal(load())).toMatchObject({ code: "MODEL_MANIFEST" });
});

test.each<[string, (manifest: Record<string, unknown>) => void]>([
  ["raster", (m) => Object.assign(m, { raster: "raster-v2" })],
  ["attention", (m) => Object.assign(m.attention as object, { version: "attention-v2" })],
  ["pattern", (m) => Object.assign(m, { pattern: "B" })],
])("a model for another %s is refused", async (what, change) => {
  await edit(change);
  const error = await refusal(load());
  expect(error.code).toBe("MODEL_RUNTIME");
  expect(error.detail).toContain(what);
});
