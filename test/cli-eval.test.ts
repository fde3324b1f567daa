/** `./lv06 eval` as a person would run it: a tiny, untrained model on the eight sample films. */
import { execFile, spawn } from "node:child_process";
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
import { afterEach, beforeEach, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const FILMS = join(ROOT, "test/films");
const TINY = join(ROOT, "host/inference/fixtures/tiny");
const DEADLINE_MS = 50_000;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "lv06-cli-eval-"));
});
afterEach(() => rmSync(home, { recursive: true }));

interface Document {
  readonly error?: { readonly code: string };
  readonly files: number;
  readonly assessed: number;
  readonly refused: object;
  readonly precision: string;
  readonly duplicates: { readonly count: number };
  readonly metrics: {
    readonly images: number;
    readonly specificity: { readonly hits: number; readonly of: number };
    readonly auc: { readonly value: number; readonly interval95: null; readonly why: string };
  };
}

const env = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("LV06_") || name === "LV06_NODE"));

function lv06(...args: readonly string[]): Promise<{ readonly code: number; readonly document: Document }> {
  const all = ["--json", "eval", ...args, "--model", TINY];
  return new Promise((end) => {
    execFile(join(ROOT, "lv06"), all, { cwd: home, env: env(), timeout: DEADLINE_MS }, (error, out) =>
      end({ code: Number(error?.code ?? 0), document: JSON.parse(out) as Document }),
    );
  });
}

const rows = (path: string) =>
  readFileSync(join(home, path), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
const json = (path: string) => JSON.parse(readFileSync(join(home, path), "utf8")) as Record<string, unknown>;

test("a folder: figures, a row a film, and what the report reads", async () => {
  const { code, document } = await lv06(FILMS);
  expect(code).toBe(0);
  expect(document).toMatchObject({ files: 8, assessed: 8, precision: "int8-u8s8", metrics: { images: 8 } });
  expect(document.metrics.auc).toMatchObject({ interval95: null, why: "fewer than 10 images of a class" });
  expect(json("build/eval/tiny.int8-u8s8.json")).toEqual(document);
  const found = rows("build/eval/tiny.int8-u8s8.csv");
  expect(found.map(([file, , label]) => file?.split("/")[0] === label)).toEqual(Array(8).fill(true));
  for (const [, , , logit, probability, decision] of found) {
    // The tiny model's temperature is 1 and its threshold 0.5.
    expect(Number(probability)).toBeCloseTo(1 / (1 + Math.exp(-Number(logit))), 4);
    expect(decision).toBe(Number(probability) >= 0.5 ? "positive" : "negative");
  }
  expect(json("build/eval/serving/tiny.int8-u8s8.json")).toMatchObject({
    model: "tiny",
    precision: "int8-u8s8",
    temperature: 1,
    threshold: 0.5,
  });
  const served = rows("build/eval/serving/tiny.int8-u8s8.csv");
  expect(served).toEqual(
    found.map(([file, split, label, logit]) => [file, split, label === "PNEUMONIA" ? "1" : "0", logit]),
  );
});

test("an index: one split, the other flavour, a broken file and a double", async () => {
  const [normal = "", sick = ""] = ["NORMAL", "PNEUMONIA"].map((label) => {
    const [name = ""] = readdirSync(join(FILMS, label));
    cpSync(join(FILMS, label, name), join(home, name));
    return name;
  });
  cpSync(join(home, normal), join(home, "again.jpeg"));
  writeFileSync(join(home, "torn.jpeg"), readFileSync(join(home, sick)).subarray(0, 900));
  const index = join(home, "index.csv");
  writeFileSync(index, `file,label,split\n${normal},NORMAL,val\nagain.jpeg,NORMAL,val\n`);
  appendFileSync(
    index,
    `${sick},PNEUMONIA,val\ntorn.jpeg,PNEUMONIA,val\nnone.jpeg,NORMAL,val\nother.jpeg,NORMAL,test\n`,
  );
  const { code, document } = await lv06(
    index,
    "--split",
    "val",
    "--precision",
    "int8-s8s8",
    "--out",
    "out",
    "--distinct",
  );
  expect(code).toBe(6);
  expect(document).toMatchObject({
    files: 5,
    assessed: 3,
    precision: "int8-s8s8",
    refused: { count: 2, reasons: { RASTER_CORRUPT: 1, INGEST_MISSING: 1 } },
    duplicates: { count: 1, contradicting: 0, shown: [{ file: "again.jpeg", of: normal }] },
    metrics: { images: 2 },
  });
  expect(rows("out/tiny.int8-s8s8.csv").map(([file]) => file)).toEqual([
    normal,
    "again.jpeg",
    sick,
    "torn.jpeg",
    "none.jpeg",
  ]);
});

test("what cannot be evaluated is named, and nothing is written", async () => {
  const { code, document } = await lv06(join(FILMS, "NORMAL"));
  expect([code, document.error?.code]).toEqual([1, "EVAL_LABEL"]);
  expect((await lv06(FILMS, "--precision", "fp7")).document.error?.code).toBe("MODEL_NO_VARIANT");
  expect(existsSync(join(home, "build"))).toBe(false);
});

test("told to stop, it leaves the rows so far in a file marked partial", async () => {
  for (const label of ["NORMAL", "PNEUMONIA"]) mkdirSync(join(home, "films", label), { recursive: true });
  for (let i = 0; i < 200; i++) {
    for (const label of ["NORMAL", "PNEUMONIA"]) {
      const [name = ""] = readdirSync(join(FILMS, label));
      cpSync(join(FILMS, label, name), join(home, "films", label, `${i}.jpeg`));
    }
  }
  const child = spawn(join(ROOT, "lv06"), ["--json", "eval", "films", "--model", TINY], { cwd: home, env: env() });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += String(chunk);
  });
  const ended = new Promise<number | null>((end) => child.on("close", end));
  const partial = "build/eval/tiny.int8-u8s8.partial.csv";
  await expect
    .poll(() => existsSync(join(home, partial)) && rows(partial).length > 2, { timeout: DEADLINE_MS })
    .toBe(true);
  child.kill("SIGINT");
  expect(await ended).toBe(1);
  expect((JSON.parse(said) as Document).error?.code).toBe("COMMAND_INTERRUPTED");
  expect(rows(partial).length).toBeLessThan(400);
  expect(readdirSync(join(home, "build/eval")).sort()).toEqual(["serving", "tiny.int8-u8s8.partial.csv"]);
  expect(readdirSync(join(home, "build/eval/serving"))).toEqual([]);
});
