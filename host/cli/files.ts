/** Files that a person named on the command line. */
import { readdir, realpath, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, errorMessage } from "../base/error.ts";
import { IngestError } from "../ingest/error.ts";
import { readImageFile } from "../ingest/read.ts";
import { isSidecar } from "../ingest/sidecar.ts";
import { CommandError, UsageError } from "./error.ts";

/**
 * Unlike in the inbox, a link is followed: the person named it.
 *
 * @throws IngestError, also for a FIFO or a device
 */
export async function readNamedFile(path: string, maxBytes: number): Promise<Buffer> {
  const target = await realpath(path).catch((error: unknown) => {
    throw new IngestError("INGEST_MISSING", `${path} cannot be opened (${errorCode(error)})`, { cause: error });
  });
  return readImageFile(target, maxBytes);
}

/**
 * The files that `paths` stand for: a folder stands for the files in it, hidden ones and sidecars apart.
 *
 * @throws UsageError USAGE_FOLDER, USAGE_EMPTY_FOLDER, USAGE_TOO_MANY_FILES
 */
export async function namedFiles(paths: readonly string[], max: number): Promise<string[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat();
  if (files.length > max) throw new UsageError("USAGE_TOO_MANY_FILES", `${files.length} files, ${max} are allowed`);
  return files;
}

async function filesAt(path: string): Promise<string[]> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw new UsageError("USAGE_FOLDER", errorMessage(error), { cause: error });
  });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith(".") && !isSidecar(entry.name));
  if (files.length === 0) throw new UsageError("USAGE_EMPTY_FOLDER", `${path} has no files in it`);
  return files.map(({ name }) => join(path, name)).sort();
}

/**
 * Writes what a command was told to leave in a file.
 *
 * @param option as it was typed, for the error
 * @throws CommandError OUTPUT_EXISTS unless the file may be replaced; OUTPUT_WRITE
 */
export async function writeNamedFile(option: string, path: string, bytes: Uint8Array, replace: boolean): Promise<void> {
  await write(option, path, bytes, { mode: 0o644, flag: replace ? "w" : "wx" });
}

/** The same, for its user alone. @throws CommandError OUTPUT_EXISTS; OUTPUT_WRITE */
export async function writePrivateFile(
  option: string,
  path: string,
  bytes: Uint8Array,
  replace: boolean,
): Promise<void> {
  if (replace) await rm(path, { force: true }).catch(() => {});
  await write(option, path, bytes, { mode: 0o600, flag: "wx" });
}

async function write(
  option: string,
  path: string,
  bytes: Uint8Array,
  options: { readonly mode: number; readonly flag: string },
): Promise<void> {
  try {
    await writeFile(path, bytes, options);
  } catch (error) {
    const code = errorCode(error) === "EEXIST" ? "OUTPUT_EXISTS" : "OUTPUT_WRITE";
    throw new CommandError(code, `${option} ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
