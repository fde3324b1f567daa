import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { findModel, modelFolders, modelParents } from "../appliance/installed-models.ts";
import { loadConfigured, loadFolder } from "../appliance/model-slot.ts";
import type { LoadedModel } from "../inference/manifest.ts";
import { action, INSTALL_DIR } from "./context.ts";
import { registerModelsBench } from "./models-bench.ts";
import { registerModelsUse } from "./models-use.ts";
import { describe, EXIT, examples, table } from "./output.ts";

export function registerModels(program: Command): void {
  const models = program.command("models").description("the models that are installed");
  registerList(models);
  registerShow(models);
  registerModelsBench(models);
  registerModelsUse(models);
}

function registerList(models: Command): void {
  models
    .command("list")
    .description("every model folder beside the configured one and among the shipped ones, checked file by file")
    .addHelpText("after", examples("lv06 models list"))
    .action(
      action(async ({ output, config }) => {
        const settings = config();
        const chosen = resolve(settings.model.dir);
        const parents = modelParents(settings, INSTALL_DIR);
        const rows = await Promise.all(
          (await modelFolders(parents)).map(async (folder) => ({
            folder,
            inUse: folder === chosen,
            ...(await look(() => (folder === chosen ? loadConfigured(settings) : loadFolder(folder)), folder)),
          })),
        );
        output.answer({ models: rows }, () =>
          rows.length === 0
            ? [`no model folder in ${parents.join(" or ")}`]
            : table(
                ["", "model", "version", "pattern", "precision", "digest"],
                rows.map(({ inUse, name, version, pattern, precision, digest, error }) => [
                  inUse ? "*" : "",
                  name,
                  version ?? "",
                  pattern ?? "",
                  precision ?? "",
                  digest?.slice(0, 16) ?? `${error?.code}: ${error?.message}`,
                ]),
              ),
        );
        return rows.some(({ inUse, error }) => inUse && error === null) ? EXIT.done : EXIT.failed;
      }),
    );
}

async function look(load: () => Promise<LoadedModel>, folder: string) {
  try {
    const { manifest, digest, precision } = await load();
    const { name, version, pattern } = manifest;
    return { name, version, pattern, precision, digest, error: null };
  } catch (error) {
    const unknown = { version: null, pattern: null, precision: null, digest: null };
    return { name: basename(folder), ...unknown, error: describe(error) };
  }
}

function registerShow(models: Command): void {
  models
    .command("show")
    .summary("one model's manifest, after checking its files")
    .description("A model's manifest, after checking its files; without a name the configured model's.")
    .argument("[name]", "a model folder's name, as models list shows it, or a path with a slash in it")
    .addHelpText("after", examples("lv06 models show", "lv06 models show kermany-plain --json | jq .manifest.metrics"))
    .action(
      action(async ({ output, config }, name: string | undefined) => {
        const settings = config();
        const load = async () => loadFolder(await findModel(name ?? "", modelParents(settings, INSTALL_DIR)));
        const model = await (name === undefined ? loadConfigured(settings) : load());
        const { manifest, digest, precision } = model;
        output.answer({ digest, precision, manifest }, () => lines(model));
        return EXIT.done;
      }),
    );
}

function limits(population: LoadedModel["manifest"]["populationLimits"]): string {
  const { ageYears, ...words } = population ?? {};
  const ages = ageYears === undefined ? [] : [`age ${ageYears.min}–${ageYears.max} years`];
  const others = Object.entries(words).map(([field, allowed]) => `${field} ${allowed?.join(" or ")}`);
  return [...ages, ...others].join(", ") || "not limited";
}

function lines({ manifest, digest, precision, attention, files }: LoadedModel): string[] {
  const { labels, threshold, temperature, calibrationSet, metrics } = manifest;
  const scales = attention?.scales.map(({ block, weight }) => `${block} × ${weight}`).join(", ");
  const rows = [
    ["model", `${manifest.name} ${manifest.version}`],
    ["digest", digest],
    ["pattern", manifest.pattern],
    ["attention", attention === null ? "none" : `${manifest.attention?.version}, blocks ${scales}`],
    ["cells", attention?.grids.map((grid) => `${grid} × ${grid}`).join(", ") ?? "none"],
    ["precision", `${precision}; there are ${Object.keys(manifest.variants).join(", ")}`],
    ["labels", `${labels[0]} (negative), ${labels[1]} (positive)`],
    ["threshold", `${threshold}: ${manifest.thresholdRule}`],
    ["temperature", String(temperature)],
    ["calibrated on", `${calibrationSet.name}, ${calibrationSet.images} images`],
    ...Object.entries(metrics.calibrationSet).map(([key, value]) => [`  ${key}`, String(value)]),
    ["population", manifest.population],
    ["  by metadata", limits(manifest.populationLimits)],
    ["intended use", manifest.intendedUse],
    ["licence", manifest.licence],
    ...files.map(({ path }, index) => [index === 0 ? "files, checked" : "", path]),
  ];
  const width = Math.max(...rows.map(([key = ""]) => key.length));
  return rows.map(([key = "", value = ""]) => `${key.padEnd(width)}  ${value}`);
}
