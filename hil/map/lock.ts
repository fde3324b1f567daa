/**
 * One run a device. The port's own lock (flock) holds while the port is open; this one also holds while a device restarts
 * or is re-plugged, when its port is closed. A lock whose owner has ended is taken over.
 */

import { readFileSync } from "node:fs";
import { chmod, link, mkdir, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode } from "../../host/base/error.ts";
import { RigError } from "../rig/error.ts";

export interface DeviceLock {
  /** Idempotent, never throws. */
  release(): Promise<void>;
}

export interface LockOptions {
  /** Where locks lie: the same for all who share the devices; default a folder of the system's temporary one. */
  readonly folder?: string;
  /** What for, for people who wonder. */
  readonly purpose?: string;
}

interface Owner {
  readonly pid: number;
  /** When the process began, in the kernel's ticks: a number may be given to another process later. */
  readonly began: string;
  readonly purpose: string;
}

const FOLDER = join(tmpdir(), "lv06-hil-locks");
const TRIES = 5;
/** Nobody takes longer over taking a stale lock: who did has died over it. */
const TAKING_MS = 10_000;
/** Of /proc/PID/stat, counted after the name in brackets. */
const STARTED_FIELD = 19;

/** @throws RigError RIG_LOCKED */
export async function lockDevice(
  device: string,
  { folder = FOLDER, purpose = "hil" }: LockOptions = {},
): Promise<DeviceLock> {
  await mkdir(folder, { recursive: true });
  // For every user, like the temporary folder it lies in; another's may be so already.
  await chmod(folder, 0o1777).catch(() => {});
  const path = join(folder, `${device.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, 100)}.lock`);
  const own = `${path}.${process.pid}.${Math.floor(performance.now() * 1000)}`;
  const owner: Owner = { pid: process.pid, began: beganOf(process.pid) ?? "", purpose };
  await writeFile(own, JSON.stringify(owner));
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      if (await linked(own, path)) return { release: () => releaseLock(path, owner) };
      const holder = await ownerOf(path);
      if (holder !== undefined && isAlive(holder)) {
        throw new RigError("RIG_LOCKED", `${device} is used by process ${holder.pid} (${holder.purpose})`);
      }
      await removeStaleLock(path, own);
    }
    throw new RigError("RIG_LOCKED", `${device}: its lock ${path} changes hands all the time`);
  } finally {
    await rm(own, { force: true });
  }
}

/**
 * Only who holds the taking may remove a lock, and looks again whether it is stale: so no fresh one is removed.
 *
 * @param own a file of this process alone
 */
export async function removeStaleLock(path: string, own: string): Promise<void> {
  const taking = `${path}.taking`;
  if (!(await linked(own, taking))) {
    const ageMs = Date.now() - ((await stat(taking).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (ageMs > TAKING_MS) await rm(taking, { force: true });
    return;
  }
  try {
    const holder = await ownerOf(path);
    if (holder === undefined || !isAlive(holder)) await rm(path, { force: true });
  } finally {
    await rm(taking, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function releaseLock(path: string, owner: Owner): Promise<void> {
  const holder = await ownerOf(path);
  if (holder?.pid === owner.pid && holder.began === owner.began) await unlink(path).catch(() => {});
}

/** Undefined for a lock that is gone, or that says nothing. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    const { pid, began, purpose } = JSON.parse(await readFile(path, "utf8"));
    const valid = Number.isInteger(pid) && pid > 0 && typeof began === "string";
    return valid ? { pid, began, purpose: String(purpose).slice(0, 100) } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, began }: Owner): boolean {
  const now = beganOf(pid);
  return now !== undefined && (began === "" || now === began);
}

/** Undefined if there is no such process. */
function beganOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // A zombie holds nothing any more.
    return fields[0] === "Z" ? undefined : fields[STARTED_FIELD];
  } catch {
    return undefined;
  }
}
