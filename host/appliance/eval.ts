/**
 * How well a model does on labelled images, each sent through the product's own pipeline: decoder, quality gate,
 * attention, inference, calibration. Nothing is stored, published or sealed.
 *
 * Into the output folder go, by the model's and the flavour's name: `NAME.csv`, a row an image; `NAME.json`, the
 * figures; `serving/NAME.{json,csv}`, what `models/train/report.py` reads. Until all images are through there is
 * `NAME.partial.csv` in place of these.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, errorMessage } from "../base/error.ts";
import { IngestError } from "../ingest/error.ts";
import { type Outcome, Pipeline } from "../pipeline/pipeline.ts";
import type { Model, PipelineParts } from "../pipeline/ports.ts";
import { ApplianceError } from "./error.ts";
import { type Case, csvLine, type Labels } from "./eval-cases.ts";
import { type Metrics, metricsOf, type Scored } from "./eval-metrics.ts";
import { inOrder } from "./image-files.ts";
import { forgetfulCaches } from "./images.ts";

/** Images under way at once, as in the appliance's inbox by default. */
const AHEAD = 4;
/** Of duplicates, how many are named in the answer; `NAME.csv` has them all. */
const DUPLICATES_SHOWN = 20;
const ROW = ["file", "split", "label", "logit", "probability", "decision", "assessed", "reasons", "ms", "duplicateOf"];

export interface EvalParts {
  /** @throws IngestError for a file that cannot be read */
  read(path: string): Promise<Uint8Array>;
  rasterise: PipelineParts["rasterise"];
  model(): Promise<Model>;
  progress(done: number): void;
}

export interface EvalPlan {
  readonly cases: readonly Case[];
  readonly labels: Labels;
  /** Must exist. */
  readonly out: string;
  readonly name: string;
  /** Each picture once: its later files are shown, and left out of the figures. */
  readonly distinct: boolean;
}

export interface Evaluation {
  readonly files: number;
  /** Files that gave a probability. */
  readonly assessed: number;
  readonly refused: Counts;
  readonly notAssessed: Counts;
  readonly duplicates: Duplicates;
  readonly metrics: Metrics;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

interface Counts {
  readonly count: number;
  /** Error codes, or the quality gate's reasons. */
  readonly reasons: Readonly<Record<string, number>>;
}

interface Duplicates {
  /** Files with the pixels of an earlier one. */
  readonly count: number;
  /** Of these, the ones with another label than the earlier file. */
  readonly contradicting: number;
  readonly shown: readonly { readonly file: string; readonly of: string }[];
}

type Looked =
  | { readonly kind: "refused"; readonly code: string; readonly ms: number }
  | {
      readonly kind: "not assessed";
      readonly reasons: readonly string[];
      readonly rasterDigest: string;
      readonly ms: number;
    }
  | { readonly kind: "assessed"; readonly scored: Scored; readonly rasterDigest: string; readonly ms: number };

export function partialPath({ out, name }: Pick<EvalPlan, "out" | "name">): string {
  return join(out, `${name}.partial.csv`);
}

/** @throws ApplianceError EVAL_OUT, EVAL_UNAVAILABLE; the rows so far stay in `NAME.partial.csv` */
export async function evaluate(plan: EvalPlan, parts: EvalParts): Promise<Evaluation> {
  const { cases, out, name } = plan;
  const toll = new Toll(plan);
  const partial = partialPath(plan);
  const serving = join(out, "serving");
  await mkdir(serving, { recursive: true }).catch(outError(out));
  await parts.model();
  const rows = await Rows.open(partial).catch(outError(out));
  const startedMs = performance.now();
  let seconds = 0;
  try {
    let done = 0;
    for await (const looked of inOrder(cases, AHEAD, (of) => look(of, plan.labels, parts))) {
      const of = cases[done++];
      if (of !== undefined) await rows.add(toll.take(of, looked)).catch(outError(out));
      parts.progress(done);
    }
    seconds = (performance.now() - startedMs) / 1000;
  } finally {
    await rows.close();
  }
  await rename(partial, join(out, `${name}.csv`)).catch(outError(out));
  await writeFile(join(serving, `${name}.csv`), toll.served()).catch(outError(out));
  return { ...toll.result(), seconds, imagesPerSecond: cases.length / seconds };
}

/** A way to name what goes wrong with the output folder: no space, no permission, no such device. */
function outError(out: string): (error: unknown) => never {
  return (error) => {
    throw new ApplianceError("EVAL_OUT", `${out}: ${errorMessage(error)}`, { cause: error });
  };
}

export async function writeDocument({ out, name }: EvalPlan, document: object, served: object): Promise<void> {
  const text = (value: object) => `${JSON.stringify(value, null, 1)}\n`;
  await writeFile(join(out, "serving", `${name}.json`), text(served)).catch(outError(out));
  await writeFile(join(out, `${name}.json`), text(document)).catch(outError(out));
}

/** The file of rows, written as they come. */
class Rows {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<Rows> {
    const rows = new Rows(await open(path, "w"));
    await rows.add(ROW);
    return rows;
  }

  async add(fields: readonly (string | number)[]): Promise<void> {
    await this.#file.write(csvLine(fields));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** What came of the images so far. */
class Toll {
  readonly #plan: EvalPlan;
  readonly #scored: Scored[] = [];
  readonly #served: string[] = [csvLine(["file", "split", "label", "logit"])];
  /** The first case of each picture, by raster digest. */
  readonly #first = new Map<string, Case>();
  readonly #shown: { file: string; of: string }[] = [];
  readonly #refused: Record<string, number> = {};
  readonly #reasons: Record<string, number> = {};
  #counts = { assessed: 0, refused: 0, notAssessed: 0, duplicates: 0, contradicting: 0 };

  constructor(plan: EvalPlan) {
    this.#plan = plan;
  }

  /** @returns the image's row */
  take(of: Case, looked: Looked): readonly (string | number)[] {
    const first = looked.kind === "refused" ? undefined : this.#duplicate(of, looked.rasterDigest);
    const { positive, split } = { positive: of.label === this.#plan.labels[1], split: of.split ?? "" };
    const logit = looked.kind === "assessed" ? shortest(looked.scored.logit) : "";
    this.#served.push(csvLine([of.file, split, positive ? 1 : 0, logit]));
    const row = (probability: number | string, decision: string, reasons: readonly string[]) => {
      const assessed = looked.kind === "assessed" ? "true" : "false";
      const ms = Math.round(looked.ms * 100) / 100;
      return [of.file, split, of.label, logit, probability, decision, assessed, reasons.join(";"), ms, first ?? ""];
    };
    switch (looked.kind) {
      case "refused":
        this.#counts.refused++;
        count(this.#refused, looked.code);
        return row("", "", [looked.code]);
      case "not assessed":
        this.#counts.notAssessed++;
        for (const reason of looked.reasons) count(this.#reasons, reason);
        return row("", "", looked.reasons);
      case "assessed": {
        this.#counts.assessed++;
        if (first === undefined || !this.#plan.distinct) this.#scored.push(looked.scored);
        const { probability, calledPositive } = looked.scored;
        return row(probability, calledPositive ? "positive" : "negative", []);
      }
    }
  }

  /** What `models/train/report.py` reads. */
  served(): string {
    return this.#served.join("");
  }

  result(): Omit<Evaluation, "seconds" | "imagesPerSecond"> {
    const { assessed, refused, notAssessed, duplicates, contradicting } = this.#counts;
    return {
      files: this.#plan.cases.length,
      assessed,
      refused: { count: refused, reasons: this.#refused },
      notAssessed: { count: notAssessed, reasons: this.#reasons },
      duplicates: { count: duplicates, contradicting, shown: this.#shown },
      metrics: metricsOf(this.#scored),
    };
  }

  /** @returns the file that had these pixels first, if another one had */
  #duplicate(of: Case, rasterDigest: string): string | undefined {
    const first = this.#first.get(rasterDigest);
    if (first === undefined) {
      this.#first.set(rasterDigest, of);
      return undefined;
    }
    this.#counts.duplicates++;
    if (first.label !== of.label) this.#counts.contradicting++;
    if (this.#shown.length < DUPLICATES_SHOWN) this.#shown.push({ file: of.file, of: first.file });
    return first.file;
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Nine digits give a float32 back as it was. */
function shortest(logit: number): number {
  return Number(logit.toPrecision(9));
}

async function look(of: Case, labels: Labels, parts: EvalParts): Promise<Looked> {
  const startedMs = performance.now();
  let bytes: Uint8Array;
  try {
    bytes = await parts.read(of.path);
  } catch (error) {
    if (!(error instanceof IngestError)) throw error;
    return { kind: "refused", code: errorCode(error), ms: performance.now() - startedMs };
  }
  const heard: { logit?: number } = {};
  const request = { id: randomUUID(), bytes, reference: null, mode: "inference", stated: {} } as const;
  const outcome = await pipelineFor(parts, heard).process(request);
  return judge(of, labels, outcome, heard.logit, performance.now() - startedMs);
}

function judge(of: Case, labels: Labels, outcome: Outcome, logit: number | undefined, ms: number): Looked {
  switch (outcome.kind) {
    case "refused":
      return { kind: "refused", code: outcome.code, ms };
    case "known":
    case "unavailable":
      throw new ApplianceError("EVAL_UNAVAILABLE", `${of.file}: ${outcome.message}`);
    case "result": {
      const { probability, decision, reasons, input } = outcome.data;
      const { rasterDigest } = input;
      if (probability === null || logit === undefined) return { kind: "not assessed", reasons, rasterDigest, ms };
      const scored = { positive: of.label === labels[1], logit, probability, calledPositive: decision === "positive" };
      return { kind: "assessed", scored, rasterDigest, ms };
    }
  }
}

/** One image's own, so that the logit, which no message carries, is heard of that image. */
function pipelineFor({ rasterise, model }: EvalParts, heard: { logit?: number }): Pipeline {
  return new Pipeline({
    appliance: "eval",
    deviceCheckFraction: 0,
    seal: "none",
    rasterise,
    model: async () => {
      const served = await model();
      return {
        ...served,
        infer: async (samples, pyramid) => {
          const verdict = await served.infer(samples, pyramid);
          heard.logit = verdict.logit;
          return verdict;
        },
      };
    },
    caches: forgetfulCaches(),
    record: async (build) => build(0),
    device: () => undefined,
    check: () => {},
    clock: { nowMs: Date.now, monotonicMs: () => performance.now(), synced: () => null },
    random: () => 1,
  });
}
