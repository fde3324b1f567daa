/** Reads an image file that somebody else may still be writing, or that is no file at all. */
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { basename } from "node:path";
import { errorCode } from "../base/error.ts";
import { IngestError } from "./error.ts";

/** @throws IngestError when the entry is not a regular file */
export function refuseOddEntry(stats: Stats, name: string): void {
  if (stats.isSymbolicLink()) throw new IngestError("INGEST_LINK", `${name} is a symbolic link`);
  if (stats.isDirectory()) throw new IngestError("INGEST_FOLDER", `${name} is a folder`);
  if (!stats.isFile()) throw new IngestError("INGEST_SPECIAL", `${name} is not a regular file`);
}

/**
 * A regular file's bytes, read through one descriptor so that it cannot be swapped for a link in between.
 *
 * @param maxBytes refused above it, before anything is read
 * @throws IngestError
 */
export async function readImageFile(path: string, maxBytes: number): Promise<Buffer> {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const name = basename(path);
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(async (error: unknown) => {
    if (errorCode(error) === "ELOOP") refuseOddEntry(await lstat(path), name);
    throw new IngestError("INGEST_MISSING", `${name} cannot be opened (${errorCode(error)})`, { cause: error });
  });
  try {
    return await readOpened(file, name, maxBytes);
  } finally {
    await file.close();
  }
}

/** @param name for what is thrown @throws IngestError */
export async function readOpened(file: FileHandle, name: string, maxBytes: number): Promise<Buffer> {
  const before = await file.stat();
  refuseOddEntry(before, name);
  if (before.size > maxBytes) {
    throw new IngestError("INGEST_TOO_LARGE", `${name} has ${before.size} bytes, the limit is ${maxBytes}`);
  }
  const bytes = Buffer.allocUnsafeSlow(before.size);
  const { bytesRead } = await file.read(bytes, 0, before.size, 0);
  const after = await file.stat();
  if (bytesRead !== before.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
    throw new IngestError("INGEST_CHANGED", `${name} changed while it was read`);
  }
  return bytes;
}
