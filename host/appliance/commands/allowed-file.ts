/** A file that somebody names over the network: one below an allowed folder, and nothing else, whatever is named. */
import { constants } from "node:fs";
import { open, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { IngestError } from "../../ingest/error.ts";
import { readOpened } from "../../ingest/read.ts";
import { RequestError } from "./errors.ts";

export interface AllowedFile {
  /** Where it really is. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** What it is not is not told: who asks learns nothing of what else there is on the disk. */
function notAllowed(cause?: unknown): RequestError {
  return new RequestError("INFER_PATH", "it is no plain file below an allowed folder", { cause });
}

/** @throws RequestError INFER_PATH, INFER_TOO_LARGE; IngestError INGEST_CHANGED */
export async function readAllowedFile(
  path: string,
  folders: readonly string[],
  maxBytes: number,
): Promise<AllowedFile> {
  const allowed = await Promise.all(folders.map(whereIs));
  const isAllowed = (place: string) => allowed.some((folder) => folder !== undefined && isBelow(folder, place));
  const parent = await whereIs(dirname(path));
  const place = join(parent ?? "", basename(path));
  if (parent === undefined || !isAllowed(place)) throw notAllowed();
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(place, flags).catch((error: unknown) => {
    throw notAllowed(error);
  });
  try {
    // A folder on the way may have become a link meanwhile: what counts is what was opened.
    if (!isAllowed(await readlink(`/proc/self/fd/${file.fd}`))) throw notAllowed();
    return { path: place, bytes: await readOpened(file, "the image", maxBytes) };
  } catch (error) {
    throw error instanceof IngestError ? ofImage(error, maxBytes) : error;
  } finally {
    await file.close();
  }
}

function ofImage(error: IngestError, maxBytes: number): Error {
  if (error.code === "INGEST_CHANGED") return error;
  if (error.code !== "INGEST_TOO_LARGE") return notAllowed(error);
  return new RequestError("INFER_TOO_LARGE", `the image has more than ${maxBytes} bytes`, { cause: error });
}

async function whereIs(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

function isBelow(folder: string, place: string): boolean {
  return place.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}
