/** `./lv06 models` as a person would run it, on the tiny models of every pattern. */
import { execFile } from "node:child_process";
import { hash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const DEADLINE_MS = 50_000;
const NAMES = ["tiny", "tiny-a-single", "tiny-b", "tiny-c", "tiny-none"];

let folder: string;
/** Working folder of the case, with its own lv06.yaml and its own models. */
let home: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-cli-models-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const CONFIG = `# ours
site: ward   # third floor
model:
  # since May
  dir: "models/tiny"    # by hand
  variant: auto
`;

beforeEach(() => {
  home = mkdtempSync(join(folder, "home-"));
  cpSync(join(ROOT, "host/inference/fixtures"), join(home, "models"), { recursive: true });
  writeFileSync(join(home, "lv06.yaml"), CONFIG);
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Entry {
  readonly name: string;
  readonly pattern: string | null;
  readonly precision: string | null;
  readonly inUse: boolean;
  readonly error: { readonly code: string } | null;
  readonly rows: readonly {
    readonly configuration: string;
    readonly images: number;
    readonly imagesPerSecond: number;
    readonly latencyMs: { readonly median: number; readonly p95: number };
    readonly attentionMs: number | null;
  }[];
}

interface Document {
  readonly models: readonly Entry[];
  readonly manifest: { readonly name: string; readonly attention: object | null };
  readonly error: { readonly code: string; readonly message: string };
}

function lv06(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = home): Promise<Ended> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("LV06_") || name === "LV06_NODE");
  return new Promise((end) => {
    const options = { cwd, env: { ...Object.fromEntries(own), ...env }, timeout: DEADLINE_MS };
    execFile(join(ROOT, "lv06"), args, options, (error, out, err) => {
      end({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

async function answer(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const { code, out } = await lv06(["--json", "models", ...args], env);
  return { code, document: JSON.parse(out) as Document };
}

const config = () => readFileSync(join(home, "lv06.yaml"), "utf8");

describe("lv06 models list and show", () => {
  test("list has every pattern beside the configured model, and the shipped ones", async () => {
    const { code, document } = await answer(["list"]);
    expect(code).toBe(0);
    const own = document.models.filter(({ name }) => name.startsWith("tiny"));
    expect(own.map(({ name, pattern, inUse, error }) => [name, pattern, inUse, error])).toEqual([
      ["tiny", "A", true, null],
      ["tiny-a-single", "A", false, null],
      ["tiny-b", "B", false, null],
      ["tiny-c", "C", false, null],
      ["tiny-none", "none", false, null],
    ]);
    const shipped = readdirSync(join(ROOT, "models")).filter((name) =>
      existsSync(join(ROOT, "models", name, "manifest.json")),
    );
    expect(document.models.map(({ name }) => name).slice(own.length)).toEqual(shipped.sort());
  });

  test("list says of each what is wrong with it, and goes on", async () => {
    appendFileSync(join(home, "models/shared/tiny-backbone-int8.bin"), "x");
    appendFileSync(join(home, "models/tiny-b/manifest.json"), "x");
    const { code, document } = await answer(["list"]);
    const codes = document.models.slice(0, NAMES.length).map(({ name, error }) => [name, error?.code]);
    expect(codes).toEqual([
      ["tiny", undefined],
      ["tiny-a-single", "MODEL_DIGEST"],
      ["tiny-b", "MODEL_MANIFEST"],
      ["tiny-c", "MODEL_DIGEST"],
      ["tiny-none", "MODEL_DIGEST"],
    ]);
    expect(code).toBe(0);
  });

  test("show takes a name, a path or nothing", async () => {
    const shown = await Promise.all(
      [["show"], ["show", "tiny-c"], ["show", "./models/tiny-none"]].map((args) => answer(args)),
    );
    expect(shown.map(({ code, document }) => [code, document.manifest.name])).toEqual([
      [0, "tiny"],
      [0, "tiny-c"],
      [0, "tiny-none"],
    ]);
    expect(shown[2]?.document.manifest.attention).toBeNull();
    const { out } = await lv06(["models", "show", "tiny-none"]);
    expect(out).toMatch(/^pattern +none$/m);
    expect(out).toMatch(/^attention +none$/m);
  });

  test("a name that is none is refused with those that are", async () => {
    for (const command of ["show", "use", "bench"]) {
      const { code, document } = await answer([command, "tinny"]);
      expect([code, document.error.code]).toEqual([1, "MODEL_MISSING"]);
      for (const name of NAMES) expect(document.error.message).toContain(name);
    }
  });
});

describe("lv06 models use", () => {
  test("changes the one value in the configuration, and the appliance's commands see it", async () => {
    const { code, document } = await answer(["use", "tiny-b"]);
    expect({ code, document }).toMatchObject({
      code: 0,
      document: { name: "tiny-b", pattern: "B", precision: "fp32", changed: true, created: false, restart: true },
    });
    expect(config()).toBe(CONFIG.replace('"models/tiny"', "models/tiny-b"));
    expect((await answer(["show"])).document.manifest.name).toBe("tiny-b");
  });

  test("says that a running appliance must be restarted", async () => {
    const { code, out } = await lv06(["models", "use", "tiny-none"]);
    expect(code).toBe(0);
    expect(out).toContain("Restart the appliance");
    expect((await lv06(["models", "use", "tiny-none"])).out).toContain("nothing was changed");
  });

  test.each<readonly [string, string, () => void]>([
    [
      "whose weights were changed",
      "MODEL_DIGEST",
      () => appendFileSync(join(home, "models/shared/tiny-backbone-int8.bin"), "x"),
    ],
    [
      "that has not the configured variant",
      "MODEL_NO_VARIANT",
      () => writeFileSync(join(home, "lv06.yaml"), CONFIG.replace("auto", "fp32")),
    ],
    ["whose folder has no manifest", "MODEL_MISSING", () => rmSync(join(home, "models/tiny-c/manifest.json"))],
  ])("refuses a model %s, and leaves the configuration alone", async (_, code, spoil) => {
    spoil();
    const before = config();
    const refused = await answer(["use", "tiny-c"]);
    expect([refused.code, refused.document.error.code]).toEqual([1, code]);
    expect(config()).toBe(before);
  });

  test("refuses a model that ONNX Runtime cannot run, though its files are what the manifest says", async () => {
    const [head, manifest] = ["head.onnx", "manifest.json"].map((name) => join(home, "models/tiny-b", name));
    const before = readFileSync(head ?? "");
    // An operator that no runtime knows, under the right digest.
    const after = Buffer.from(before.toString("latin1").replaceAll("Gemm", "Gemn"), "latin1");
    writeFileSync(head ?? "", after);
    const [old = "", own = ""] = [before, after].map((bytes) => hash("sha256", bytes));
    writeFileSync(manifest ?? "", readFileSync(manifest ?? "", "utf8").replace(old, own));
    const refused = await answer(["use", "tiny-b"]);
    expect([refused.code, refused.document.error.code]).toEqual([1, "INFERENCE_START"]);
    expect(refused.document.error.message).toContain("Gemn");
    expect(config()).toBe(CONFIG);
  });

  test("refuses where an environment variable would win", async () => {
    const refused = await answer(["use", "tiny-c"], { LV06_MODEL_DIR: join(home, "models/tiny") });
    expect([refused.code, refused.document.error.code]).toEqual([2, "CONFIG_OVERRIDDEN"]);
    expect(config()).toBe(CONFIG);
  });

  test("without a configuration file makes one in the working folder", async () => {
    const empty = join(home, "empty");
    mkdirSync(empty);
    const used = await lv06(["models", "use", "../models/tiny-a-single"], {}, empty);
    expect(used.code).toBe(0);
    expect(readFileSync(join(empty, "lv06.yaml"), "utf8")).toBe(
      `model:\n  dir: ${join(home, "models/tiny-a-single")}\n`,
    );
    const shown = await lv06(["models", "show", "--json"], {}, empty);
    expect(JSON.parse(shown.out)).toMatchObject({ manifest: { name: "tiny-a-single" } });
  });
});

describe("lv06 models bench", () => {
  test("measures every row of every flavour, and says which model could not be", async () => {
    appendFileSync(join(home, "models/tiny-c/head.onnx"), "x");
    const { code, document } = await answer(["bench", "tiny-none", "tiny-b", "tiny-c", "--images", "12"]);
    expect(code).toBe(1);
    const rows = document.models.map(({ name, precision, rows, error }) => [
      name,
      precision,
      error?.code ?? rows.map(({ configuration }) => configuration),
    ]);
    const plain = ["CNN only", "CNN only, async"];
    const hybrid = ["hybrid, no cache", "hybrid, async", "hybrid, cached", "hybrid, async + cached"];
    expect(rows).toEqual([
      ["tiny-none", "int8-u8s8", plain],
      ["tiny-none", "int8-s8s8", plain],
      ["tiny-b", "fp32", hybrid],
      ["tiny-c", null, "MODEL_DIGEST"],
    ]);
    for (const { rows, pattern } of document.models) {
      for (const { images, imagesPerSecond, latencyMs, attentionMs } of rows) {
        expect(images).toBe(12);
        expect(imagesPerSecond).toBeGreaterThan(0);
        expect(latencyMs.p95).toBeGreaterThanOrEqual(latencyMs.median);
        expect(attentionMs === null).toBe(pattern === "none");
      }
    }
  });

  test.each(["11", "many"])("refuses --images %s", async (images) => {
    const { code, document } = await answer(["bench", "tiny", "--images", images]);
    expect([code, document.error.code]).toEqual([2, "USAGE_OPTION"]);
  });

  test("prints a table with the machine, and leaves nothing behind", async () => {
    const { code, out } = await lv06(["models", "bench", "tiny", "--images", "12"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^tiny +A +int8-u8s8.* hybrid, async \+ cached +[\d.]+ +[\d.]+ +[\d.]+$/m);
    expect(out).toContain("cores");
    expect(readdirSync(home).sort()).toEqual(["lv06.yaml", "models"]);
  });
});
