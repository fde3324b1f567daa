import { availableParallelism, cpus } from "node:os";
import type { Command } from "commander";
import { type EvalPlan, type Evaluation, evaluate, partialPath, writeDocument } from "../appliance/eval.ts";
import { casesOf } from "../appliance/eval-cases.ts";
import type { Figure, Share } from "../appliance/eval-metrics.ts";
import { forgetfulCaches, Images } from "../appliance/images.ts";
import { findModel, modelParents } from "../appliance/installed-models.ts";
import { loadConfigured } from "../appliance/model-slot.ts";
import type { Config } from "../config/schema.ts";
import type { Model } from "../pipeline/ports.ts";
import { action, INSTALL_DIR } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { interruptible } from "./interrupt.ts";
import { EXIT, examples, type Output, table } from "./output.ts";
import { withBar } from "./progress.ts";

interface Options {
  readonly split?: string;
  readonly images?: string;
  readonly model?: string;
  readonly precision?: string;
  readonly distinct?: true;
  readonly out: string;
}

export function registerEval(program: Command): void {
  program
    .command("eval")
    .summary("how well a model does on labelled images")
    .description(
      "Sends labelled images through the whole pipeline, quality gate included, and writes the figures (NAME.json), a\n" +
        "row an image (NAME.csv) and what models/train/report.py reads (serving/NAME.json and .csv). Nothing is stored or\n" +
        "published. Interrupted, it leaves NAME.partial.csv. Images that are refused or not assessed are counted, and\n" +
        "have no part in the figures; intervals count images as independent.",
    )
    .argument(
      "<data>",
      "a folder whose folders are named as the model's classes (NORMAL, PNEUMONIA), searched 8 levels deep; or a CSV\n" +
        "file with the columns file, label and perhaps split",
    )
    .option("--split <names>", "of an index: the splits that are meant, such as val or val,test (default: all)")
    .option("--images <folder>", "of an index: where its files are found by name (default: relative to the index)")
    .option("--model <name>", "a model folder's name, or a path with a slash in it (default: the configured one)")
    .option(
      "--precision <variant>",
      "flavour of the model, by its name in the manifest (default: the one for this CPU)",
    )
    .option("--distinct", "leave files out of the figures whose pixels an earlier file had")
    .option("--out <folder>", "where the figures and rows go", "build/eval")
    .addHelpText(
      "after",
      examples("lv06 eval chest_xray/val", "lv06 eval index.csv --split val --model kermany-plain --json"),
    )
    .action(
      action(async ({ output, config }, data: string, options: Options) => {
        const settings = await withModel(config(), options);
        const { manifest, digest, precision } = await loadConfigured(settings);
        const splits = options.split?.split(",") ?? [];
        const where = options.images === undefined ? {} : { images: options.images };
        const cases = await casesOf(data, manifest.labels, { splits, ...where });
        const name = `${manifest.name}.${precision}`;
        const plan = { cases, labels: manifest.labels, out: options.out, name, distinct: options.distinct === true };
        const { evaluation, runtime } = await run(settings, plan, output);
        const { version, pattern, temperature, threshold } = manifest;
        const model = { model: manifest.name, version, pattern, temperature, threshold, digest, precision };
        const machine = {
          cpu: cpus()[0]?.model ?? "",
          arch: process.arch,
          cores: availableParallelism(),
          node: process.version,
          runtime,
        };
        const { cpu, arch, node } = machine;
        const document = {
          schema: "lv06/eval/1",
          ...model,
          labels: manifest.labels,
          intendedUse: manifest.intendedUse,
          data,
          splits,
          distinct: plan.distinct,
          machine,
          ...evaluation,
        };
        await writeDocument(plan, document, { ...model, cpu, arch, node, runtime, by: "lv06 eval" });
        output.answer(document, () => lines(plan, evaluation, threshold));
        return evaluation.refused.count > 0 ? EXIT.refused : EXIT.done;
      }),
    );
}

async function withModel(settings: Config, { model, precision }: Options): Promise<Config> {
  const dir = model === undefined ? settings.model.dir : await findModel(model, modelParents(settings, INSTALL_DIR));
  return { ...settings, model: { dir, variant: precision ?? settings.model.variant } };
}

async function run(settings: Config, plan: EvalPlan, output: Output) {
  const images = new Images(settings, {
    caches: forgetfulCaches(),
    record: async (build) => build(0),
    device: () => undefined,
    check: () => {},
    clockSynced: () => null,
    seal: "none",
  });
  const format = "{bar} {value}/{total} images, {duration_formatted}, {eta_formatted} to go";
  let served: Model | undefined;
  let begun = false;
  images.rasteriser.warm();
  try {
    return await interruptible((signal) => {
      signal.addEventListener("abort", () => {
        void images.stop();
        if (begun) output.note(`the rows so far are in ${partialPath(plan)}`);
      });
      return withBar(plan.cases.length, format, async ({ update }) => {
        const evaluation = await evaluate(plan, {
          read: (path) => readNamedFile(path, settings.ingest.maxFileBytes),
          rasterise: (bytes) => images.rasteriser.rasterise(bytes),
          model: async () => {
            served = await images.model.get();
            return served;
          },
          progress: (done) => {
            begun = true;
            update(done);
          },
        });
        signal.throwIfAborted();
        return { evaluation, runtime: served?.fingerprint ?? "" };
      });
    });
  } finally {
    await images.stop();
  }
}

function lines(plan: EvalPlan, evaluation: Evaluation, threshold: number): string[] {
  const { metrics, duplicates, refused, notAssessed } = evaluation;
  const figure = (name: string, { value, interval95, why }: Figure, counts = "") => [
    name,
    value?.toFixed(4) ?? "",
    interval95 === null ? (why ?? "") : interval95.map((end) => end.toFixed(4)).join(" to "),
    counts,
  ];
  const share = (name: string, of: Share) => figure(name, of, `${of.hits} of ${of.of}`);
  const plain = (name: string, value: number | null) => [name, value?.toFixed(4) ?? "", "", ""];
  return [
    `${plan.name} on ${evaluation.files} files: ${evaluation.assessed} assessed, ${refused.count} refused${because(refused.reasons)}, ` +
      `${notAssessed.count} not assessed${because(notAssessed.reasons)}; ${evaluation.imagesPerSecond.toFixed(1)} images/s`,
    ...(duplicates.count === 0 ? [] : [duplicateLine(plan, evaluation)]),
    "",
    ...table(
      ["figure", "value", "95 %", "images"],
      [
        figure(
          "AUC",
          metrics.auc,
          `${metrics.positives} ${plan.labels[1]}, ${metrics.images - metrics.positives} ${plan.labels[0]}`,
        ),
        share("accuracy", metrics.accuracy),
        share("sensitivity", metrics.sensitivity),
        share("specificity", metrics.specificity),
        plain("Brier", metrics.brier),
        plain("ECE, 15 bins", metrics.ece),
      ],
    ),
    "",
    `Positive from ${threshold}. Rows and figures in ${plan.out}. Research use only: not for diagnosis.`,
  ];
}

function duplicateLine({ distinct }: EvalPlan, { duplicates: { count, contradicting } }: Evaluation): string {
  const counted = distinct ? "left out of the figures" : "counted (--distinct leaves them out)";
  const contradicted = contradicting === 0 ? "" : `; ${contradicting} of them labelled otherwise`;
  return `${count} files have the pixels of an earlier one, ${counted}${contradicted}: column duplicateOf`;
}

function because(reasons: Readonly<Record<string, number>>): string {
  const parts = Object.entries(reasons).map(([reason, count]) => `${count} ${reason}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
