/** The data folder, its disk, and the inbox. What is not there yet is not made: that is for the appliance's user to do. */
import { constants } from "node:fs";
import { access, lstat, open, rename, rm, stat, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorCode } from "../../base/error.ts";
import { diskLowBytes } from "../admission.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const MIB = 2 ** 20;
const OTHERS = 0o077;
const USABLE = constants.R_OK | constants.W_OK | constants.X_OK;
/** `statfs` names a file system by a number (statfs(2)). */
const REMOTE: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9p"],
  [0x65735546, "FUSE"],
]);
/** As `host/ingest/inbox.ts` makes them. */
const OWN_FOLDERS = ["processed", "quarantine"] as const;

/** @param freeMinBytes below this, nothing is taken */
export async function dataFolderCheck(path: string, freeMinBytes: number): Promise<readonly Finding[]> {
  const there = await nearest(path);
  if (there === undefined || !(await usable(there))) {
    return [wrong("data folder", "DOCTOR_DATA_ACCESS", `${there ?? path} may not be written to by this user`)];
  }
  return [await folderItself(path, there), diskOf(there, (await statfs(there)) as Space, freeMinBytes)];
}

async function folderItself(path: string, there: string): Promise<Finding> {
  if (there !== path) return ok("data folder", `${path} is made at the first start`);
  const { mode } = await stat(path);
  const open = (mode & OTHERS) !== 0;
  const bits = (mode & 0o777).toString(8);
  return open
    ? note("data folder", "DOCTOR_DATA_OPEN", `${path} has mode ${bits}: other users of this machine may look in`)
    : ok("data folder", `${path}, for its owner alone`);
}

export interface Space {
  readonly bavail: number;
  readonly blocks: number;
  readonly bsize: number;
}

/** Pure. */
export function diskOf(path: string, { bavail, blocks, bsize }: Space, freeMinBytes: number): Finding {
  const freeBytes = bavail * bsize;
  const words = `${gib(freeBytes)} of ${gib(blocks * bsize)} GiB free at ${path}`;
  if (freeBytes >= diskLowBytes(freeMinBytes)) return ok("disk", words);
  if (freeBytes >= freeMinBytes) return note("disk", "DOCTOR_DISK_LOW", `${words}: that is not much`);
  return wrong("disk", "DOCTOR_DISK_LOW", `${words}, less than ${Math.round(freeMinBytes / MIB)} MiB`);
}

/** Tries it: a file of its own is renamed from the inbox into both folders and removed. */
export async function inboxCheck(folder: string): Promise<readonly Finding[]> {
  const there = await nearest(folder);
  if (there === undefined || !(await usable(there))) {
    return [wrong("inbox", "DOCTOR_DATA_ACCESS", `${there ?? folder} may not be written to by this user`)];
  }
  const remote = remoteOf((await statfs(there)).type);
  if (remote !== undefined) return [note("inbox", "DOCTOR_INBOX_REMOTE", `${there} lies on ${remote}`)];
  if (there !== folder) return [ok("inbox", `${folder} is made at the first start`)];
  const troubles = await Promise.all(OWN_FOLDERS.map((name) => renameTrouble(folder, join(folder, name))));
  const found = troubles.filter((trouble) => trouble !== undefined);
  if (found.length === 0) return [ok("inbox", `${folder}: files can be renamed to where they go`)];
  return found.map((trouble) => wrong("inbox", "DOCTOR_INBOX_RENAME", trouble));
}

/** Pure. @param type of `statfs` */
export function remoteOf(type: number): string | undefined {
  return REMOTE.get(type >>> 0);
}

/** Hidden names are left alone by the inbox. */
async function renameTrouble(inbox: string, folder: string): Promise<string | undefined> {
  const info = await lstat(folder).catch(() => undefined);
  if (info === undefined) return undefined;
  if (!info.isDirectory()) return `${folder} is no folder of its own`;
  const name = `.lv06-doctor-${process.pid}-${basename(folder)}.tmp`;
  try {
    await (await open(join(inbox, name), "wx", 0o600)).close();
    await rename(join(inbox, name), join(folder, name));
    return undefined;
  } catch (error) {
    return `a file cannot be renamed into ${folder}: ${errorCode(error)}`;
  } finally {
    await rm(join(inbox, name), { force: true });
    await rm(join(folder, name), { force: true });
  }
}

/** The folder itself, or the closest one above it that exists. */
async function nearest(path: string): Promise<string | undefined> {
  for (let folder = path; ; folder = dirname(folder)) {
    const info = await stat(folder).catch(() => undefined);
    if (info !== undefined) return info.isDirectory() ? folder : undefined;
    if (folder === dirname(folder)) return undefined;
  }
}

async function usable(path: string): Promise<boolean> {
  return access(path, USABLE).then(
    () => true,
    () => false,
  );
}

const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
