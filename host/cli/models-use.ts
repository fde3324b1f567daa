import { dirname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { findModel, modelParents } from "../appliance/installed-models.ts";
import { loadConfigured, makeEngine } from "../appliance/model-slot.ts";
import { changeConfig } from "../config/change.ts";
import { ConfigError } from "../config/error.ts";
import { KEYS } from "../config/keys.ts";
import { type Loaded, USUAL_FILE } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { action, INSTALL_DIR } from "./context.ts";
import { interruptible } from "./interrupt.ts";
import { EXIT, examples } from "./output.ts";

export function registerModelsUse(models: Command): void {
  models
    .command("use")
    .summary("write a model into the configuration file")
    .description(
      "Writes a model's folder into the configuration file as model.dir, after starting the model and running it once.\n" +
        `Nothing else in the file changes; without one, ${USUAL_FILE} is made in the working folder.\n` +
        "A running appliance keeps its model until it is restarted.",
    )
    .argument("<name>", "a model folder's name, as models list shows it, or a path with a slash in it")
    .addHelpText("after", examples("lv06 models use kermany-plain", "lv06 models use /srv/models/ours --config a.yaml"))
    .action(
      action(async ({ output, load }, name: string) => {
        const before = load();
        refuseOverride(before);
        const folder = await findModel(name, modelParents(before.config, INSTALL_DIR));
        const settings = { ...before.config, model: { ...before.config.model, dir: folder } };
        const model = await interruptible((signal) => tryOut(settings, signal));
        const file = before.file ?? resolve(USUAL_FILE);
        const changed = resolve(before.config.model.dir) !== folder;
        if (changed) write(file, folder, load);
        const document = {
          ...model,
          folder,
          file,
          changed,
          created: changed && before.file === null,
          restart: changed,
        };
        output.answer(document, () => [
          `${model.name} ${model.version} (pattern ${model.pattern}, ${model.precision}) answers.`,
          changed
            ? `${file} now says so. Restart the appliance if it is running: it keeps its model until then.`
            : "It is the configured model already: nothing was changed.",
        ]);
        return EXIT.done;
      }),
    );
}

/** @throws ConfigError CONFIG_OVERRIDDEN */
function refuseOverride({ origins }: Loaded): void {
  const origin = origins.get("model.dir") ?? "";
  if (origin.startsWith("env ")) throw new ConfigError("CONFIG_OVERRIDDEN", `model.dir comes from ${origin}`);
}

/** Loads the model and runs it on a blank image, as the appliance does when it starts. @throws InferenceError */
async function tryOut(settings: Config, signal: AbortSignal) {
  const loaded = await loadConfigured(settings);
  const engine = makeEngine(loaded, settings);
  signal.addEventListener("abort", () => void engine.stop());
  try {
    await engine.start();
  } finally {
    await engine.stop();
  }
  const { manifest, digest, precision } = loaded;
  return { name: manifest.name, version: manifest.version, pattern: manifest.pattern, precision, digest };
}

/** @throws ConfigError */
function write(file: string, folder: string, load: () => Loaded): void {
  const key = KEYS.find(({ name }) => name === "model.dir");
  if (key === undefined) throw new Error("model.dir is no key");
  changeConfig(file, key, shortest(folder, dirname(file)));
  const found = resolve(load().config.model.dir);
  if (found !== folder) throw new ConfigError("CONFIG_NOT_CHANGED", `${file} was written, but names ${found}`);
}

/** Relative below the configuration's folder, so that both can be moved together. */
function shortest(folder: string, base: string): string {
  const below = relative(base, folder);
  return below === "" || below.startsWith("..") ? join(folder) : below;
}
