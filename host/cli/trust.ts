/** The file of trusted keys that commands take, and other files of which only so much is read. */
import { open } from "node:fs/promises";
import { errorCode } from "../base/error.ts";
import { readTrustedKeys, type TrustedKeys } from "../seal/trust.ts";
import { UsageError } from "./error.ts";

const TRUST_MAX_BYTES = 65_536;

/** One byte more than allowed is read at most: whoever reads the text says that it is too long. @throws UsageError */
export async function readBounded(path: string, most: number): Promise<Buffer> {
  try {
    await using file = await open(path);
    const bytes = Buffer.alloc(most + 1);
    let filled = 0;
    // A pipe gives what it has, not what was asked for.
    for (let read = -1; read !== 0 && filled < bytes.length; filled += read) {
      read = (await file.read(bytes, filled, bytes.length - filled)).bytesRead;
    }
    return bytes.subarray(0, filled);
  } catch (error) {
    throw new UsageError("USAGE_ARGUMENT", `${path} cannot be read (${errorCode(error)})`);
  }
}

/** @throws UsageError; SealError SEAL_TRUST */
export async function trustedKeysIn(path: string): Promise<TrustedKeys> {
  return readTrustedKeys(String(await readBounded(path, TRUST_MAX_BYTES)));
}
