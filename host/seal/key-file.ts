/** The appliance's signing key on disk: made once, readable by its user alone. The only file here with I/O. */
import { openPrivateFile, PrivateFileError, type PrivateFileFault } from "../base/private-file.ts";
import { type SealCode, SealError } from "./error.ts";
import { SigningKey } from "./signing-key.ts";

const FILE = "signing-key.pem";
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
  try {
    return SigningKey.ofPem(openPrivateFile({ ...place, name: FILE, maxBytes: FILE_MAX_BYTES, make }));
  } catch (cause) {
    if (!(cause instanceof PrivateFileError)) throw cause;
    throw new SealError(CODES[cause.fault], cause.message, { cause });
  }
}
