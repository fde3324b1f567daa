/** The appliance's signing key on disk: made once, readable by its user alone. The only file here with I/O. */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { errorCode, errorMessage } from "../base/error.ts";
import { SealError } from "./error.ts";
import { SigningKey } from "./signing-key.ts";

const FILE = "signing-key.pem";
/** A key in PEM has 119. */
const FILE_MAX_BYTES = 4096;
const OTHERS = 0o077;

export interface KeyFileOptions {
  /** Made with mode 0700 where it is missing, with its parents. */
  readonly folder: string;
  /** 32 random bytes, asked for only where there is no key yet. */
  readonly randomSeed: () => Uint8Array;
  /** Who may own folder and file; default the user of this process. */
  readonly uid?: number;
}

function expectPrivate(path: string, stats: Stats, uid: number): void {
  const mode = (stats.mode & 0o777).toString(8).padStart(3, "0");
  if (stats.uid !== uid)
    throw new SealError("SEAL_KEY_PERMISSIONS", `${path} belongs to user ${stats.uid}, not ${uid}`);
  if ((stats.mode & OTHERS) !== 0) throw new SealError("SEAL_KEY_PERMISSIONS", `${path} has mode ${mode}`);
}

function expectFolder(folder: string, uid: number): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  // A umask may have taken bits away, never added any.
  if (made !== undefined) chmodSync(folder, 0o700);
  expectPrivate(folder, statSync(folder), uid);
}

/** @returns undefined where there is no file */
function readKey(path: string, uid: number): SigningKey | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (errorCode(error) === "ELOOP") throw new SealError("SEAL_KEY_PERMISSIONS", `${path} is a symbolic link`);
    throw error;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new SealError("SEAL_KEY_DAMAGED", `${path} is no file`);
    expectPrivate(path, stats, uid);
    if (stats.size > FILE_MAX_BYTES) throw new SealError("SEAL_KEY_DAMAGED", `${path} has ${stats.size} bytes`);
    return SigningKey.ofPem(readFileSync(file, "utf8"));
  } finally {
    closeSync(file);
  }
}

/** Writes beside, makes durable, then links: a crash leaves the whole key or none, and of two writers the first wins. */
function writeKey(folder: string, path: string, key: SigningKey): void {
  const beside = `${path}.${process.pid}.new`;
  rmSync(beside, { force: true });
  try {
    writeFileSync(beside, key.pem(), { mode: 0o600, flag: "wx", flush: true });
    linkSync(beside, path);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(beside, { force: true });
  }
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function openOrMake({ folder, randomSeed, uid = process.getuid?.() ?? 0 }: KeyFileOptions): SigningKey {
  expectFolder(folder, uid);
  const path = join(folder, FILE);
  const present = readKey(path, uid);
  if (present !== undefined) return present;
  writeKey(folder, path, SigningKey.ofSeed(randomSeed()));
  const key = readKey(path, uid);
  if (key === undefined) throw new SealError("SEAL_KEY_IO", `${path} vanished while it was made`);
  return key;
}

/**
 * The key in the folder, made where there is none.
 *
 * @throws SealError SEAL_KEY_PERMISSIONS where others could read or replace it; SEAL_KEY_DAMAGED; SEAL_KEY_IO
 */
export function openSigningKey(options: KeyFileOptions): SigningKey {
  try {
    return openOrMake(options);
  } catch (cause) {
    if (cause instanceof SealError) throw cause;
    throw new SealError("SEAL_KEY_IO", `${options.folder}: ${errorMessage(cause)}`, { cause });
  }
}
