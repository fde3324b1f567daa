/** Manifests that are right in themselves, beside ONNX files that are not what they say. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
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

const load = () => loadModel(folder, { supported, cpu: "x64" });
const edit = (change: (manifest: Record<string, unknown>) => void) => editManifest(folder, change);

describe("a manifest that disagrees with its files", () => {
  type Said = Record<string, Record<string, unknown>>;

  /** Applies `change` to what the manifest says of the part that x64 takes. */
  async function say(role: "backbone" | "head", change: (part: Said) => void): Promise<void> {
    await edit((manifest) => {
      const variants = manifest.variants as Record<string, { parts: Record<string, Said> }>;
      change(variants["int8-u8s8"]?.parts[role] ?? {});
    });
  }

  /** Puts the file's digest into the manifest, as whoever made a wrong model would have. */
  async function pin(role: "backbone" | "head", weights = false): Promise<void> {
    const variants = (JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")) as { variants: Said }).variants;
    const parts = variants["int8-u8s8"]?.parts as Record<string, { file: string; weights?: { file: string } }>;
    const file = (weights ? parts[role]?.weights?.file : parts[role]?.file) ?? "";
    const digest = createHash("sha256")
      .update(await readFile(join(folder, file)))
      .digest("hex");
    await say(role, (part) => Object.assign((weights ? part.weights : part) ?? {}, { digest }));
  }

  test("in the features' shape is refused, whatever the manifest says on both sides", async () => {
    const features = { type: "float32", shape: [1, 32, 7, 7] };
    await say("backbone", (part) => Object.assign(part.outputs ?? {}, { features }));
    await say("head", (part) => Object.assign(part.inputs ?? {}, { features }));
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_GRAPH");
    expect(error.detail).toContain("output features is float32 [1,16,7,7], not float32 [1,32,7,7]");
  });

  test("in a level's name is refused", async () => {
    await say("head", (part) => {
      part.inputs = { features: part.inputs?.features, attention7: part.inputs?.attention };
    });
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_GRAPH");
    expect(error.detail).toContain("input attention7 is missing");
  });

  test("in a part that is another ONNX file, with its digest, is refused", async () => {
    await cp(join(models, "tiny-c", "head.onnx"), join(folder, "head.onnx"));
    await pin("head");
    expect(await refusal(load())).toMatchObject({ code: "MODEL_GRAPH" });
  });

  test.each([
    ["labels", "lv06.labels", (m: Record<string, unknown>) => Object.assign(m, { labels: ["PNEUMONIA", "NORMAL"] })],
  ])("in its %s is refused, where the ONNX file says them", async (_, key, change) => {
    folder = join(models, "tiny-c");
    await edit(change);
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_GRAPH");
    expect(error.detail).toContain(`${key} is NORMAL,PNEUMONIA, not PNEUMONIA,NORMAL`);
  });

  test.each([
    ["raster", { raster: "raster-v2", attention: "attention-v1" }, "lv06.raster is raster-v1, not raster-v2"],
    ["attention version", { raster: "raster-v1", attention: "attention-v2" }, "lv06.attention is attention-v1"],
  ])("in its %s is refused by an appliance that would serve both", async (_, both, words) => {
    folder = join(models, "tiny-c");
    await edit((m) => {
      m.raster = both.raster;
      Object.assign(m.attention as object, { version: both.attention });
    });
    const error = await refusal(loadModel(folder, { supported: both, cpu: "x64" }));
    expect(error.code).toBe("MODEL_GRAPH");
    expect(error.detail).toContain(words);
  });

  test("about weights that were cut short is refused, though their digest is in the manifest", async () => {
    await truncate(join(folder, "backbone-int8.bin"), 5000);
    await pin("backbone", true);
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_GRAPH");
    expect(error.detail).toContain("backbone-int8.bin, which has 5000");
  });

  test("about where the weights lie is refused: only a file whose digest is known is read", async () => {
    await say("backbone", (part) => {
      delete part.weights;
    });
    expect((await refusal(load())).detail).toContain("its weights lie in backbone-int8.bin, of which nothing is said");
    await cp(join(folder, "backbone-int8.bin"), join(folder, "other.bin"));
    await say("backbone", (part) => Object.assign(part, { weights: { file: "other.bin", digest: "0".repeat(64) } }));
    await pin("backbone", true);
    expect((await refusal(load())).detail).toContain("weights lie in backbone-int8.bin, not other.bin");
    await say("head", (part) => Object.assign(part, { weights: { file: "other.bin", digest: "0".repeat(64) } }));
    await pin("head", true);
    await cp(join(folder, "other.bin"), join(folder, "backbone-int8.bin"));
    await say("backbone", (part) => Object.assign(part.weights ?? {}, { file: "backbone-int8.bin" }));
    expect((await refusal(load())).detail).toContain("it has no use for other.bin");
  });

  test.each([
    ["text", Buffer.from("not a model at all, but long enough to look at")],
    ["nothing", Buffer.alloc(0)],
    ["noise", Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 151 + 7) % 256))],
  ])("about a file of %s is refused", async (_, bytes) => {
    await writeFile(join(folder, "head.onnx"), bytes);
    await pin("head");
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_GRAPH");
    expect(error.detail).toContain("is no ONNX file");
  });

  test("about a graph that was cut short anywhere is refused, and never half read", async () => {
    const whole = await readFile(join(folder, "head.onnx"));
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(join(folder, "head.onnx"), whole.subarray(0, length));
      await pin("head");
      expect(await refusal(load())).toMatchObject({ code: "MODEL_GRAPH" });
    }
  });

  test("a NaN threshold, which JSON has not, is refused", async () => {
    const path = join(folder, "manifest.json");
    await writeFile(path, (await readFile(path, "utf8")).replace('"threshold": 0.5', '"threshold": NaN'));
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_MANIFEST");
    expect(error.detail).toContain("is not JSON");
  });

  test.each([
    ["head.onnx", 65 * 1024 * 1024],
    ["backbone-int8.bin", 513 * 1024 * 1024],
  ])("%s of %i bytes is refused unread", async (file, size) => {
    await truncate(join(folder, file), size);
    if (file === "head.onnx") await pin("head");
    const error = await refusal(load());
    expect(error.code).toBe("MODEL_TOO_LARGE");
    expect(error.detail).toContain(`${file} has ${size} bytes`);
  });

  test("a folder or a pipe in a file's place is refused without waiting", async () => {
    for (const make of [(path: string) => mkdir(path), (path: string) => execFileSync("mkfifo", [path])]) {
      await rm(join(folder, "head.onnx"), { recursive: true });
      await make(join(folder, "head.onnx"));
      expect((await refusal(load())).detail).toContain("head.onnx is not a plain file");
    }
  });
});
