/** Reads an image file that somebody else may still be writing, or that is no file at all. */
import { constants, type Stats } from "node:fs";
import { lstat, open } from "node:fs/promises";
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
 * @throws IngestError; the system's error when the file is gone or not readable
 */
export async function readImageFile(path: string, maxBytes: number): Promise<Buffer> {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(async (error: unknown) => {
    if (errorCode(error) === "ELOOP") refuseOddEntry(await lstat(path), path);
    throw error;
  });
  try {
    const before = await file.stat();
    refuseOddEntry(before, path);
    if (before.size > maxBytes) {
      throw new IngestError("INGEST_TOO_LARGE", `${path} has ${before.size} bytes, the limit is ${maxBytes}`);
    }
    const bytes = Buffer.allocUnsafeSlow(before.size);
    const { bytesRead } = await file.read(bytes, 0, before.size, 0);
    const after = await file.stat();
    if (bytesRead !== before.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      throw new IngestError("INGEST_CHANGED", `${path} changed while it was read`);
    }
    return bytes;
  } finally {
    await file.close();
  }
}
