import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IngestError } from "../ingest/error.ts";
import type { Model } from "../pipeline/ports.ts";
import { RasterError } from "../raster/error.ts";
import { type EvalParts, evaluate } from "./eval.ts";
import type { Case } from "./eval-cases.ts";

const LABELS = ["NORMAL", "PNEUMONIA"] as const;

let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), "eval-"));
});
afterEach(() => rmSync(out, { recursive: true }));

/** What a file is to the parts below: its path's words decide. The number is its logit, and its pixels' seed. */
function cases(...paths: readonly string[]): Case[] {
  return paths.map((path, place) => {
    const label = path.includes("sick") ? "PNEUMONIA" : "NORMAL";
    return { file: `${place}-${path}`, path, label, split: "val" };
  });
}

const MODEL: Model = {
  name: "stub",
  version: "1.0.0",
  digest: "00",
  pattern: "none",
  precision: "fp32",
  fingerprint: "stub",
  threshold: 0.5,
  attention: null,
  population: null,
  infer: async (samples) => {
    const logit = Number(samples[0]) - 100;
    const probability = logit >= 0 ? 0.9 : 0.1;
    const decision = logit >= 0 ? "positive" : "negative";
    return { logit, probability, decision, label: "PNEUMONIA", featuresMs: 1, headMs: 1 };
  },
};

const FILM = await sharp(resolve(import.meta.dirname, "../../test/films/NORMAL/IM-0386-0001.jpeg"))
  .greyscale()
  .resize(224, 224, { fit: "fill" })
  .toColourspace("b-w")
  .raw()
  .toBuffer();

/** A film, since nothing else is assessed, with the level as its first pixel; flat where the path says so. */
async function rasterise(bytes: Uint8Array) {
  const path = Buffer.from(bytes).toString();
  if (path.includes("torn")) throw new RasterError("RASTER_CORRUPT", "torn");
  const level = 100 + Number(/-?\d+/.exec(path)?.[0] ?? 0);
  const samples = path.includes("flat") ? new Uint8Array(224 * 224).fill(level) : Uint8Array.from(FILM);
  samples[0] = level;
  return { raster: { samples } } as unknown as Awaited<ReturnType<EvalParts["rasterise"]>>;
}

const parts = (changes: Partial<EvalParts> = {}): EvalParts => ({
  read: async (path) => {
    if (path.includes("gone")) throw new IngestError("INGEST_MISSING", path);
    return Buffer.from(path);
  },
  rasterise,
  model: async () => MODEL,
  progress: () => {},
  ...changes,
});

const plan = (of: readonly Case[], distinct = false) => ({ cases: of, labels: LABELS, out, name: "n", distinct });
const rowsOf = (name: string) =>
  readFileSync(join(out, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));

describe("evaluate", () => {
  test("has each image's own logit, in order, whichever is through first", async () => {
    const slow = async (bytes: Uint8Array) => {
      if (bytes.toString().includes("60")) await new Promise((resolve) => setTimeout(resolve, 60));
      return rasterise(bytes);
    };
    const of = cases("sick 60", "well -70", "sick 50", "well -60", "well 40", "sick -50");
    const { metrics } = await evaluate(plan(of), parts({ rasterise: slow }));
    expect(
      rowsOf("n.csv")
        .slice(1)
        .map((row) => row[3]),
    ).toEqual(["60", "-70", "50", "-60", "40", "-50"]);
    expect(metrics.accuracy).toMatchObject({ hits: 4, of: 6 });
    expect(metrics.sensitivity).toMatchObject({ hits: 2, of: 3 });
    expect(metrics.auc.value).toBeCloseTo(8 / 9, 12);
  });

  test("files that are refused or not assessed are counted by reason, have empty logits, and no part in the figures", async () => {
    const of = cases("sick 60", "well gone", "sick torn", "well flat 50", "well -70", "sick torn 2");
    const { files, assessed, refused, notAssessed, metrics } = await evaluate(plan(of), parts());
    expect({ files, assessed, images: metrics.images }).toEqual({ files: 6, assessed: 2, images: 2 });
    expect(refused).toEqual({ count: 3, reasons: { INGEST_MISSING: 1, RASTER_CORRUPT: 2 } });
    expect(notAssessed).toEqual({ count: 1, reasons: { LOW_CONTRAST: 1 } });
    expect(rowsOf("n.csv").map((row) => row.slice(0, 8))[4]).toEqual([
      "3-well flat 50",
      "val",
      "NORMAL",
      "",
      "",
      "",
      "false",
      "LOW_CONTRAST",
    ]);
    expect(rowsOf("serving/n.csv")).toEqual([
      ["file", "split", "label", "logit"],
      ["0-sick 60", "val", "1", "60"],
      ["1-well gone", "val", "0", ""],
      ["2-sick torn", "val", "1", ""],
      ["3-well flat 50", "val", "0", ""],
      ["4-well -70", "val", "0", "-70"],
      ["5-sick torn 2", "val", "1", ""],
    ]);
  });

  test("the same pixels twice are reported, and count once only where that is asked for", async () => {
    const of = cases("sick 60", "well 60", "sick also 60", "well -70");
    const all = await evaluate(plan(of), parts());
    expect(all.duplicates).toEqual({
      count: 2,
      contradicting: 1,
      shown: [
        { file: "1-well 60", of: "0-sick 60" },
        { file: "2-sick also 60", of: "0-sick 60" },
      ],
    });
    expect(all.metrics.images).toBe(4);
    expect(rowsOf("n.csv").map((row) => row[9])).toEqual(["duplicateOf", "", "0-sick 60", "0-sick 60", ""]);
    expect((await evaluate(plan(of, true), parts())).metrics.images).toBe(2);
  });

  test("no more than four images are under way at once", async () => {
    let [under, most] = [0, 0];
    const counted = async (bytes: Uint8Array) => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setImmediate(resolve));
      under--;
      return rasterise(bytes);
    };
    await evaluate(plan(cases(...Array.from({ length: 30 }, (_, i) => `well ${i}`))), parts({ rasterise: counted }));
    expect(most).toBe(4);
  });

  test("what is no image's fault ends the run by name, and leaves the rows so far in a file marked partial", async () => {
    let calls = 0;
    const failing = async (bytes: Uint8Array) => {
      if (++calls > 6) throw new RasterError("RASTER_STOPPED", "the decoder is stopped");
      return rasterise(bytes);
    };
    const of = cases(...Array.from({ length: 10 }, (_, i) => `well ${i}`));
    await expect(evaluate(plan(of), parts({ rasterise: failing }))).rejects.toMatchObject({
      code: "EVAL_UNAVAILABLE",
      detail: expect.stringContaining("RASTER_STOPPED"),
    });
    expect(rowsOf("n.partial.csv").map(([file]) => file)).toEqual(["file", ...of.slice(0, 6).map(({ file }) => file)]);
    expect([existsSync(join(out, "n.csv")), existsSync(join(out, "serving/n.csv"))]).toEqual([false, false]);
    await evaluate(plan(of), parts());
    expect([existsSync(join(out, "n.partial.csv")), rowsOf("n.csv").length]).toEqual([false, 11]);
  });

  test("an output folder that cannot be made is named", async () => {
    await evaluate(plan(cases("well 1")), parts());
    const blocked = { ...plan(cases("well 1")), out: join(out, "n.csv") };
    await expect(evaluate(blocked, parts())).rejects.toMatchObject({ code: "EVAL_OUT" });
  });
});
