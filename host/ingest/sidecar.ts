/** The file beside an image that says what is known of it: `film.png.json` for `film.png`. */
import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename } from "node:path";
import { errorCode } from "../base/error.ts";
import type { Stated } from "../pipeline/request.ts";
import { IngestError } from "./error.ts";
import { readImageFile } from "./read.ts";
import { readStated, STATED_FIELDS } from "./stated.ts";

/** Four short fields need a hundred bytes; whoever sends more sends what is not wanted here. */
const MAX_BYTES = 4_096;
const ENDING = ".json";

/** By a path or by a name. */
export function sidecarOf(image: string): string {
  return `${image}${ENDING}`;
}

/** No such file is ever taken as an image. */
export function isSidecar(name: string): boolean {
  return name.toLowerCase().endsWith(ENDING);
}

export function imageOf(sidecar: string): string {
  return sidecar.slice(0, -ENDING.length);
}

/**
 * What the sidecar of the image at `path` says.
 *
 * @throws IngestError INGEST_METADATA, INGEST_MISSING, or what a link or a folder of that name is refused with
 */
export async function readSidecar(path: string): Promise<Stated> {
  const sidecar = sidecarOf(path);
  return parse(await bounded(sidecar), basename(sidecar));
}

/**
 * Undefined where there is nothing of that name; one that is too long for the system has nothing behind it.
 *
 * @throws the system's error when it cannot be told
 */
export async function statsOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(errorCode(error))) return undefined;
    throw error;
  });
}

async function bounded(path: string): Promise<Buffer> {
  try {
    return await readImageFile(path, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof IngestError) || error.code !== "INGEST_TOO_LARGE") throw error;
    throw new IngestError("INGEST_METADATA", error.detail, { cause: error });
  }
}

/** What is written there may be a patient's: an error says what is wrong, never what was found. */
function parse(bytes: Buffer, name: string): Stated {
  const wrong = (what: string) => new IngestError("INGEST_METADATA", `${name}: ${what}`);
  let said: unknown;
  try {
    said = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw wrong("it is not JSON");
  }
  if (typeof said !== "object" || said === null || Array.isArray(said)) throw wrong("it is not a JSON object");
  const known: readonly string[] = STATED_FIELDS;
  if (!Object.keys(said).every((key) => known.includes(key))) {
    throw wrong(`it has other fields than ${known.join(", ")}`);
  }
  try {
    return readStated(said);
  } catch (error) {
    throw error instanceof RangeError ? wrong(error.message) : error;
  }
}
