import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { loadConfigured } from "../appliance/model-slot.ts";
import { action } from "./context.ts";
import { describe, EXIT, examples, table } from "./output.ts";

export function registerModels(program: Command): void {
  const models = program.command("models").description("the models that are installed");
  models
    .command("list")
    .description("every model folder beside the configured one, checked file by file")
    .addHelpText("after", examples("lv06 models list"))
    .action(
      action(async ({ output, config }) => {
        const settings = config();
        const chosen = resolve(settings.model.dir);
        const found = await modelFolders(dirname(chosen));
        const rows = await Promise.all(
          found.map(async (folder) => {
            const about = { folder, inUse: folder === chosen };
            const own = { ...settings, model: { ...settings.model, dir: folder } };
            try {
              const { manifest, digest, precision } = await loadConfigured(own);
              return {
                ...about,
                name: manifest.name,
                version: manifest.version,
                pattern: manifest.pattern,
                precision,
                digest,
                error: null,
              };
            } catch (error) {
              return {
                ...about,
                name: basename(folder),
                version: null,
                pattern: null,
                precision: null,
                digest: null,
                error: describe(error),
              };
            }
          }),
        );
        output.answer({ models: rows }, () =>
          rows.length === 0
            ? [`no model folder in ${dirname(chosen)}`]
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
  models
    .command("show")
    .description("the configured model's manifest, after checking its files")
    .addHelpText("after", examples("lv06 models show --json | jq .manifest.metrics"))
    .action(
      action(async ({ output, config }) => {
        const { manifest, digest, precision } = await loadConfigured(config());
        const document = { digest, precision, manifest };
        output.answer(document, () => [JSON.stringify(document, null, 2)]);
        return EXIT.done;
      }),
    );
}

async function modelFolders(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(parent, entry.name));
  const withManifest = await Promise.all(
    folders.map(async (folder) => ((await readdir(folder)).includes("manifest.json") ? [folder] : [])),
  );
  return withManifest.flat().sort();
}
