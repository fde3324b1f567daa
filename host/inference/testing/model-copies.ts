/** Copies of the tiny models that a test may spoil, and how it does so. */
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceError } from "../error.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;

export const SUPPORTED = { raster: "raster-v1", attention: "attention-v1" };

/** @returns a new folder with every model, and the folder that they share */
export async function copyModels(): Promise<string> {
  const models = await mkdtemp(join(tmpdir(), "lv06-model-"));
  await cp(FIXTURES, models, { recursive: true });
  return models;
}

/** Applies `change` to the JSON of the manifest in `folder`. */
export async function editManifest(folder: string, change: (manifest: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, "manifest.json");
  const manifest = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
}

/** What `promise` is refused with. @throws Error when it is not refused by name */
export async function refusal(promise: Promise<unknown>): Promise<InferenceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof InferenceError) return error;
  throw new Error(`not refused by name: ${String(error)}`, { cause: error });
}
