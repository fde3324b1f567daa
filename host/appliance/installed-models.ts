/** Which model folders there are. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Config } from "../config/schema.ts";
import { InferenceError } from "../inference/error.ts";

/** Folders of models: beside the configured one, and those that came with the appliance. */
export function modelParents({ model }: Config, installDir: string): readonly string[] {
  return [...new Set([dirname(resolve(model.dir)), join(installDir, "models")])];
}

/** Every folder with a manifest, sorted within each parent. */
export async function modelFolders(parents: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    parents.map(async (parent) => {
      const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
      const folders = entries.filter((entry) => !entry.isFile()).map(({ name }) => join(parent, name));
      const models = await Promise.all(folders.map(async (folder) => ((await hasManifest(folder)) ? [folder] : [])));
      return models.flat().sort();
    }),
  );
  return found.flat();
}

/**
 * @param name a model folder's name, or a path with a slash in it
 * @throws InferenceError MODEL_MISSING, with the names there are
 */
export async function findModel(name: string, parents: readonly string[]): Promise<string> {
  if (name.includes("/")) return resolve(name);
  const folders = await modelFolders(parents);
  const found = folders.find((folder) => basename(folder) === name);
  if (found !== undefined) return found;
  const names = folders.map((folder) => basename(folder)).join(", ");
  throw new InferenceError(
    "MODEL_MISSING",
    `no model ${name} in ${parents.join(" or ")}; there are: ${names || "none"}`,
  );
}

async function hasManifest(folder: string): Promise<boolean> {
  const stats = await stat(join(folder, "manifest.json")).catch(() => undefined);
  return stats !== undefined;
}
