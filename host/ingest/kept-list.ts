/** What was put away, for whoever looks through it: works while the appliance runs. */
import type { Stats } from "node:fs";
import { lstat, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../base/error.ts";
import type { Vault } from "../base/vault.ts";
import { KEPT_ENDING, PROCESSED, QUARANTINE, REASON_ENDING } from "./keeper.ts";
import { HEAD_MAX_BYTES, KEY_ID_END, type KeptHead, keyIdOf, openKept, openKeptHead } from "./kept-file.ts";
import { isSidecar, sidecarOf } from "./sidecar.ts";

const FOLDERS = [PROCESSED, QUARANTINE] as const;
const REASON_MAX_BYTES = 65_536;

export interface KeptEntry {
  /** Of a processed image, its result's. */
  readonly id: string;
  readonly folder: (typeof FOLDERS)[number];
  /** Null where it does not open. */
  readonly head: KeptHead | null;
  /** Why it was refused, or why it does not open. */
  readonly code: string | null;
}

interface Place {
  readonly folder: KeptEntry["folder"];
  readonly id: string;
  readonly path: string;
  readonly stats: Stats;
}

/** The newest first; sidecars go with their images. */
export async function listKept(inbox: string, vault: Vault, limit: number): Promise<readonly KeptEntry[]> {
  const places = (await Promise.all(FOLDERS.map((folder) => placesIn(inbox, folder)))).flat();
  const newest = places.sort((a, b) => b.stats.mtimeMs - a.stats.mtimeMs || (a.id < b.id ? -1 : 1)).slice(0, limit);
  const entries: KeptEntry[] = [];
  for (const place of newest) entries.push(await entryOf(place, vault));
  return entries;
}

export interface Opened {
  readonly head: KeptHead;
  readonly content: Buffer;
  /** What was said of it. */
  readonly sidecar: Buffer | null;
}

/** Undefined where nothing of that id is kept. @throws VaultError */
export async function openKeptImage(inbox: string, vault: Vault, id: string): Promise<Opened | undefined> {
  for (const folder of FOLDERS) {
    const file = await presentFile(join(inbox, folder, `${id}${KEPT_ENDING}`));
    if (file === undefined) continue;
    const beside = sidecarOf(id);
    const sidecar = await presentFile(join(inbox, folder, `${beside}${KEPT_ENDING}`));
    return { ...openKept(vault, id, file), sidecar: sidecar ? openKept(vault, beside, sidecar).content : null };
  }
  return undefined;
}

/** How many kept files each key encrypts, by its id in lowercase hex. */
export async function filesByKey(inbox: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const folder of FOLDERS) {
    const names = (await namesIn(join(inbox, folder))).filter((name) => name.endsWith(KEPT_ENDING));
    for (const name of names) {
      // Removed meanwhile, it counts no more.
      const beginning = await beginningOf(join(inbox, folder, name), KEY_ID_END).catch(() => Buffer.alloc(0));
      const id = keyIdOf(beginning)?.toString("hex");
      if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return counts;
}

async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
}

async function presentFile(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  });
}

async function placesIn(inbox: string, folder: KeptEntry["folder"]): Promise<Place[]> {
  const names = await namesIn(join(inbox, folder));
  const ids = names.filter((name) => name.endsWith(KEPT_ENDING)).map((name) => name.slice(0, -KEPT_ENDING.length));
  const images = ids.filter((id) => !isSidecar(id));
  const places = images.map(async (id) => {
    const path = join(inbox, folder, `${id}${KEPT_ENDING}`);
    // It may be removed while the list is made.
    const stats = await lstat(path).catch(() => undefined);
    return stats === undefined ? [] : [{ folder, id, path, stats }];
  });
  return (await Promise.all(places)).flat();
}

async function entryOf({ folder, id, path }: Place, vault: Vault): Promise<KeptEntry> {
  try {
    const head = openKeptHead(vault, id, await beginningOf(path));
    return { id, folder, head, code: folder === QUARANTINE ? await reasonOf(path) : null };
  } catch (error) {
    return { id, folder, head: null, code: errorCode(error) };
  }
}

async function beginningOf(path: string, mostBytes = HEAD_MAX_BYTES): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Null where there is none, or none of ours. */
async function reasonOf(path: string): Promise<string | null> {
  const text = await presentFile(`${path.slice(0, -KEPT_ENDING.length)}${REASON_ENDING}`);
  if (text === undefined || text.length > REASON_MAX_BYTES) return null;
  try {
    const { code } = JSON.parse(text.toString("utf8")) as { readonly code?: unknown };
    return typeof code === "string" ? code : null;
  } catch {
    return null;
  }
}
