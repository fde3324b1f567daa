/** The appliance's signing key on disk: made once, readable by its user alone. The only file here with I/O. */
import { join } from "node:path";
import { openPrivateFile, PrivateFileError, type PrivateFileFault, readPrivateFile } from "../base/private-file.ts";
import { type SealCode, SealError } from "./error.ts";
import { SigningKey } from "./signing-key.ts";

export const SIGNING_KEY_FILE = "signing-key.pem";
/** A key in PEM has 119. */
const FILE_MAX_BYTES = 4096;

const CODES: Readonly<Record<PrivateFileFault, SealCode>> = {
  permissions: "SEAL_KEY_PERMISSIONS",
  form: "SEAL_KEY_DAMAGED",
  io: "SEAL_KEY_IO",
};

export interface KeyFileOptions {
  /** Made with mode 0700 where it is missing, with its parents. */
  readonly folder: string;
  /** 32 random bytes, asked for only where there is no key yet. */
  readonly randomSeed: () => Uint8Array;
  /** Who may own folder and file; default the user of this process. */
  readonly uid?: number;
}

/**
 * The key in the folder, made where there is none.
 *
 * @throws SealError SEAL_KEY_PERMISSIONS where others could read or replace it; SEAL_KEY_DAMAGED; SEAL_KEY_IO
 */
export function openSigningKey({ randomSeed, ...place }: KeyFileOptions): SigningKey {
  const make = () => SigningKey.ofSeed(randomSeed()).pem();
  return faulted(() =>
    SigningKey.ofPem(openPrivateFile({ ...place, name: SIGNING_KEY_FILE, maxBytes: FILE_MAX_BYTES, make })),
  );
}

/**
 * The key in the folder; makes none.
 *
 * @param uid who may own the file
 * @throws SealError as openSigningKey
 */
export function readSigningKey(folder: string, uid: number): SigningKey | undefined {
  return faulted(() => {
    const pem = readPrivateFile(join(folder, SIGNING_KEY_FILE), FILE_MAX_BYTES, uid);
    return pem === undefined ? undefined : SigningKey.ofPem(pem);
  });
}

function faulted<Value>(work: () => Value): Value {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof PrivateFileError)) throw cause;
    throw new SealError(CODES[cause.fault], cause.message, { cause });
  }
}
