/** A small file that only this process's user may read, such as a key: made once, then read back. */
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
import { errorCode, errorMessage } from "./error.ts";

const OTHERS = 0o077;

/** What is wrong: others could read or replace it; it is no such file; the disk would not. */
export type PrivateFileFault = "permissions" | "form" | "io";

export class PrivateFileError extends Error {
  readonly fault: PrivateFileFault;

  constructor(fault: PrivateFileFault, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.fault = fault;
  }
}

export interface PrivateFileOptions {
  /** Made with mode 0700 where it is missing, with its parents. */
  readonly folder: string;
  readonly name: string;
  readonly maxBytes: number;
  /** The content, asked for only where there is no file yet. */
  readonly make: () => string;
  /** Who may own folder and file; default the user of this process. */
  readonly uid?: number;
}

function expectPrivate(path: string, stats: Stats, uid: number): void {
  const mode = (stats.mode & 0o777).toString(8).padStart(3, "0");
  if (stats.uid !== uid) throw new PrivateFileError("permissions", `${path} belongs to user ${stats.uid}, not ${uid}`);
  if ((stats.mode & OTHERS) !== 0) throw new PrivateFileError("permissions", `${path} has mode ${mode}`);
}

function expectFolder(folder: string, uid: number): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  // A umask may have taken bits away, never added any.
  if (made !== undefined) chmodSync(folder, 0o700);
  expectPrivate(folder, statSync(folder), uid);
}

/** @returns undefined where there is no file */
function readPresent(path: string, uid: number, maxBytes: number): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (errorCode(error) === "ELOOP") throw new PrivateFileError("permissions", `${path} is a symbolic link`);
    throw error;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new PrivateFileError("form", `${path} is no file`);
    expectPrivate(path, stats, uid);
    if (stats.size > maxBytes) throw new PrivateFileError("form", `${path} has ${stats.size} bytes`);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

/** Makes what was renamed, linked or removed in a folder durable. */
export function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** Writes beside, makes durable, then links: a crash leaves the whole file or none, and of two writers the first wins. */
function writeNew(folder: string, path: string, content: string): void {
  const beside = `${path}.${process.pid}.new`;
  rmSync(beside, { force: true });
  try {
    writeFileSync(beside, content, { mode: 0o600, flag: "wx", flush: true });
    linkSync(beside, path);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(beside, { force: true });
  }
  syncFolder(folder);
}

function openOrMake({ folder, name, maxBytes, make, uid = process.getuid?.() ?? 0 }: PrivateFileOptions): string {
  expectFolder(folder, uid);
  const path = join(folder, name);
  const present = readPresent(path, uid, maxBytes);
  if (present !== undefined) return present;
  writeNew(folder, path, make());
  const made = readPresent(path, uid, maxBytes);
  if (made === undefined) throw new PrivateFileError("io", `${path} vanished while it was made`);
  return made;
}

function faulted<Value>(path: string, work: () => Value): Value {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof PrivateFileError) throw cause;
    throw new PrivateFileError("io", `${path}: ${errorMessage(cause)}`, { cause });
  }
}

/** The file's content, made where there is none. @throws PrivateFileError, whose room gives it a code */
export function openPrivateFile(options: PrivateFileOptions): string {
  return faulted(options.folder, () => openOrMake(options));
}

/** The file's content, undefined where there is none; makes nothing. @throws PrivateFileError */
export function readPrivateFile(
  path: string,
  maxBytes: number,
  uid: number = process.getuid?.() ?? 0,
): string | undefined {
  return faulted(path, () => readPresent(path, uid, maxBytes));
}
