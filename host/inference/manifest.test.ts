import { createHash } from "node:crypto";
import { cpSync } from "node:fs";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadModel } from "./manifest.ts";
import { copyModels, editManifest, refusal, SUPPORTED as supported } from "./testing/model-copies.ts";

/** A folder of models, with one folder that they share. */
let models: string;
let folder: string;

beforeEach(async () => {
  models = await copyModels();
  folder = join(models, "tiny");
});

afterEach(() => rm(models, { recursive: true }));

const load = (cpu = "x64") => loadModel(folder, { supported, cpu });

const edit = (change: (manifest: Record<string, unknown>) => void) => editManifest(folder, change);

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

test("whom the model is for may be stated, or not", async () => {
  expect((await load()).manifest.populationLimits).toBeUndefined();
  const populationLimits = { ageYears: { min: 1, max: 5 }, view: ["AP"] };
  await edit((manifest) => Object.assign(manifest, { populationLimits }));
  expect((await load()).manifest.populationLimits).toEqual(populationLimits);
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

/** Moves a file into the folder that models share, in the manifest and on the disk. */
function share(part: unknown): void {
  const { file } = part as { readonly file: string };
  Object.assign(part as object, { file: `../shared/${file}` });
  cpSync(join(folder, file), join(folder, "..", "shared", file));
}

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
  expect(error.code).toBe("MODEL_TOO_LARGE");
  expect(error.detail).toContain("65536 are allowed");
});

test.each<[string, (manifest: Record<string, unknown>) => void]>([
  ["temperature", (m) => Object.assign(m, { temperature: 0 })],
  ["temperature", (m) => Object.assign(m, { temperature: "1" })],
  ["threshold", (m) => Object.assign(m, { threshold: 1.5 })],
  ["threshold", (m) => Object.assign(m, { threshold: null })],
  ["threshold", (m) => Object.assign(m, { threshold: 0.12345 })],
  ["labels", (m) => Object.assign(m, { labels: ["NORMAL", "NORMAL"] })],
  ["labels", (m) => Object.assign(m, { labels: ["NORMAL", "PNEUMONIA", "OTHER"] })],
  ["attention", (m) => Object.assign(m, { attention: null })],
  ["attention", (m) => Object.assign(m, { pattern: "none" })],
  ["attention.grids", (m) => Object.assign(m.attention as object, { scales: [32], weights: [1], grids: [14] })],
  ["attention.grids", (m) => Object.assign(m.attention as object, { grids: [7, 7] })],
  ["attention.scales", (m) => Object.assign(m.attention as object, { scales: [8, 8, 16] })],
  ["attention.weights", (m) => Object.assign(m.attention as object, { weights: [1] })],
  ["attention.scales.0", (m) => Object.assign(m.attention as object, { scales: [5, 8, 16] })],
  ["variants", (m) => Object.assign(m, { variants: {} })],
  ["name", (m) => Object.assign(m, { name: "../tiny" })],
  ["populationLimits.ageYears", (m) => Object.assign(m, { populationLimits: { ageYears: { min: 5, max: 1 } } })],
  ["populationLimits.view.0", (m) => Object.assign(m, { populationLimits: { view: ["ap"] } })],
  ["populationLimits.modality", (m) => Object.assign(m, { populationLimits: { modality: [] } })],
  ["sex", (m) => Object.assign(m, { populationLimits: { sex: ["F"] } })],
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
  ["a part of another model", (parts) => Object.assign(parts.head ?? {}, { file: "../tiny-c/head.onnx" })],
  ["a part behind shared", (parts) => Object.assign(parts.head ?? {}, { file: "../shared/../head.onnx" })],
  ["a part below shared", (parts) => Object.assign(parts.head ?? {}, { file: "../shared/a/head.onnx" })],
  ["a part with an absolute path", (parts) => Object.assign(parts.head ?? {}, { file: "/etc/passwd" })],
  ["weights elsewhere than the graph", (parts) => share(parts.backbone?.weights)],
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
])("a model for another %s is refused", async (what, change) => {
  await edit(change);
  const error = await refusal(load());
  expect(error.code).toBe("MODEL_RUNTIME");
  expect(error.detail).toContain(what);
});

describe("every pattern", () => {
  test.each([
    ["tiny", "A", [], ["attention"]],
    ["tiny-none", "none", [], []],
    ["tiny-a-single", "A", [], ["attention7"]],
    ["tiny-b", "B", ["attention56", "attention28", "attention14", "attention7"], []],
    ["tiny-c", "C", [], ["attention28", "attention7"]],
  ] as const)("%s is opened as pattern %s, and the part that takes the pyramid is known", async (name, ...expected) => {
    const { manifest, backbone, head } = await loadModel(join(models, name), { supported });
    expect([manifest.pattern, backbone.levels, head.levels]).toEqual(expected);
  });

  test("a model without attention has no attention settings", async () => {
    expect((await loadModel(join(models, "tiny-none"), { supported })).attention).toBeNull();
  });

  test.each([
    ["tiny", "B"],
    ["tiny", "C"],
    ["tiny-b", "A"],
    ["tiny-b", "C"],
    ["tiny-c", "A"],
    ["tiny-c", "B"],
  ])("%s is refused as pattern %s", async (name, pattern) => {
    folder = join(models, name);
    await edit((manifest) => Object.assign(manifest, { pattern }));
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_MANIFEST");
    expect(error.detail).toContain(`pattern ${pattern}`);
  });

  test("a level that is on no grid, and a grid without its level, are named", async () => {
    folder = join(models, "tiny-c");
    await edit((manifest) => Object.assign(manifest.attention as object, { grids: [14, 7] }));
    expect((await refusal(load())).detail).toContain("attention14 is missing");
    await edit((manifest) => Object.assign(manifest.attention as object, { grids: [7] }));
    expect((await refusal(load())).detail).toContain("attention28 is float32 [1,1,28,28], not expected at all");
  });
});

describe("files that models share", () => {
  const shared = (file: string) => join(models, "shared", file);

  test("lie beside the model folders, also when the model is named by a dot", async () => {
    const { files } = await loadModel(join(models, "tiny-none"), { supported, cpu: "x64" });
    expect(files.map(({ path }) => path)).toContain(shared("tiny-backbone-int8.bin"));
    const here = process.cwd();
    process.chdir(join(models, "tiny-none"));
    try {
      expect((await loadModel(".", { supported, cpu: "x64" })).files).toEqual(files);
    } finally {
      process.chdir(here);
    }
  });

  test.each(["tiny-backbone-int8.bin", "tiny-backbone-int8-u8s8.onnx"])(
    "a changed %s stops all of them",
    async (file) => {
      await appendFile(shared(file), "x");
      for (const name of ["tiny-none", "tiny-a-single", "tiny-c"]) {
        const error = await refusal(loadModel(join(models, name), { supported, cpu: "x64" }));
        expect(error.code).toBe("MODEL_DIGEST");
        expect(error.detail).toContain(shared(file));
      }
      await loadModel(join(models, "tiny"), { supported, cpu: "x64" });
    },
  );
});
