import { availableParallelism, cpus } from "node:os";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { findModel, modelFolders, modelParents } from "../appliance/installed-models.ts";
import { benchModel, type Row, stepsOf } from "../appliance/model-bench.ts";
import { loadFolder, threadsOf } from "../appliance/model-slot.ts";
import type { Config } from "../config/schema.ts";
import { type LoadedModel, readManifest } from "../inference/manifest.ts";
import { action, INSTALL_DIR } from "./context.ts";
import { UsageError } from "./error.ts";
import { interruptible } from "./interrupt.ts";
import { describe, EXIT, examples, table } from "./output.ts";
import { withBar } from "./progress.ts";

const IMAGES_MIN = 12;
const IMAGES_MAX = 10_000;

/** One model in one flavour. */
interface Subject {
  readonly folder: string;
  readonly model: LoadedModel | null;
  readonly error: ReturnType<typeof describe> | null;
}

interface Measured extends Subject {
  readonly rows: readonly Row[];
}

export function registerModelsBench(models: Command): void {
  models
    .command("bench")
    .summary("how fast each model and flavour is on this machine")
    .description(
      "Measures each model and precision variant on this machine: images a second, and milliseconds from an image's\n" +
        "raster to its verdict. Rasters are synthetic; decoding, storing and publishing come on top. Nothing is stored.",
    )
    .argument("[name...]", "model folders' names, or paths with a slash in them; all installed models by default")
    .option("--images <n>", `images a row, ${IMAGES_MIN} to ${IMAGES_MAX}`, "100")
    .addHelpText("after", examples("lv06 models bench", "lv06 models bench kermany-plain --images 1000 --json"))
    .action(
      action(async ({ output, config }, names: string[], options: { readonly images: string }) => {
        const images = Number(options.images);
        if (!Number.isInteger(images) || images < IMAGES_MIN || images > IMAGES_MAX) {
          throw new UsageError(
            "USAGE_OPTION",
            `--images ${options.images} is not a whole number from ${IMAGES_MIN} to ${IMAGES_MAX}`,
          );
        }
        const settings = config();
        const subjects = await subjectsOf(settings, names);
        const measured = await measure(subjects, settings, images);
        const machine = {
          cpu: cpus()[0]?.model ?? "",
          arch: process.arch,
          cores: availableParallelism(),
          threads: threadsOf(settings.inference),
          node: process.version,
        };
        output.answer({ machine, imagesPerRow: images, models: measured.map(document) }, () => [
          ...table(
            ["model", "pattern", "precision", "configuration", "img/s", "median ms", "p95 ms"],
            measured.flatMap(rows),
          ),
          "",
          `${machine.cpu}, ${machine.cores} cores, ${machine.threads} thread(s) an inference; raster to verdict, ${images} synthetic images a row.`,
        ]);
        const whole = measured.length > 0 && measured.every(({ error }) => error === null);
        return whole ? EXIT.done : EXIT.failed;
      }),
    );
}

/** Every flavour runs on every CPU, if slowly: which one is made for this one is what the rows show. */
async function subjectsOf(settings: Config, names: readonly string[]): Promise<Subject[]> {
  const parents = modelParents(settings, INSTALL_DIR);
  const named = await Promise.all(names.map((name) => findModel(name, parents)));
  const folders = names.length === 0 ? await modelFolders(parents) : [...new Set(named)];
  const subjects: Subject[] = [];
  for (const folder of folders) {
    try {
      const { manifest } = await readManifest(folder);
      for (const variant of Object.keys(manifest.variants)) {
        subjects.push({ folder, model: await loadFolder(folder, variant), error: null });
      }
    } catch (error) {
      subjects.push({ folder, model: null, error: describe(error) });
    }
  }
  return subjects;
}

function measure(subjects: readonly Subject[], settings: Config, images: number): Promise<Measured[]> {
  const total = subjects.reduce((sum, { model }) => sum + (model === null ? 0 : stepsOf(model, images)), 0);
  const format = "{bar} {value}/{total} images, {eta_formatted} to go";
  return interruptible((signal) =>
    withBar(total, format, async ({ update }) => {
      let through = 0;
      const done = () => update(++through);
      const measured: Measured[] = [];
      for (const subject of subjects) {
        measured.push(await measureOne(subject, (model) => benchModel(model, settings, { images, signal, done })));
        signal.throwIfAborted();
      }
      return measured;
    }),
  );
}

/** A model that fails is a row that says so; the others are measured all the same. */
async function measureOne(subject: Subject, bench: (model: LoadedModel) => Promise<readonly Row[]>): Promise<Measured> {
  if (subject.model === null) return { ...subject, rows: [] };
  try {
    return { ...subject, rows: await bench(subject.model) };
  } catch (error) {
    return { ...subject, rows: [], error: describe(error) };
  }
}

function document({ folder, model, error, rows }: Measured) {
  const manifest = model?.manifest;
  return {
    folder: resolve(folder),
    name: manifest?.name ?? basename(folder),
    version: manifest?.version ?? null,
    pattern: manifest?.pattern ?? null,
    precision: model?.precision ?? null,
    forThisCpu: model === null ? null : manifest?.variants[model.precision]?.cpu.includes(process.arch) === true,
    error,
    rows,
  };
}

function rows(measured: Measured): string[][] {
  const { name, pattern, precision, forThisCpu, error, rows } = document(measured);
  const about = [
    name,
    pattern ?? "",
    forThisCpu === false ? `${precision} (not for ${process.arch})` : (precision ?? ""),
  ];
  if (error !== null) return [[...about, `${error.code}: ${error.message}`, "", "", ""]];
  return rows.map(({ configuration, imagesPerSecond, latencyMs }) => [
    ...about,
    configuration,
    imagesPerSecond.toFixed(1),
    latencyMs.median.toFixed(1),
    latencyMs.p95.toFixed(1),
  ]);
}
