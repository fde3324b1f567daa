/**
 * Opening the appliance's database, also where it is damaged: then what can be read is saved into a new one, and the
 * damaged one is set aside, never deleted.
 *
 * Nothing is moved before the new one is whole and durable. The moves are noted first, so that whoever starts after a
 * kill or a power cut finishes them; before that note he begins again, and the damaged file stands where it stood.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCode } from "../base/error.ts";
import { DATABASE_PARTS, expectRoom, removeDatabase, syncFolder, syncPath, translated } from "./database.ts";
import { StoreError } from "./errors.ts";
import { HIGH_WATER_FILE, HighWater } from "./high-water.ts";
import type { Rescue } from "./rescue.ts";
import { ResultStore } from "./results.ts";
import { OUTBOX_LIMITS, type ResultStoreOptions } from "./results-options.ts";
import { salvage } from "./salvage.ts";
import { clearSuspicion, isSuspect } from "./suspicion.ts";

/** So many are set aside without anybody asking: a disk that goes on damaging files is no place to save to. */
const SET_ASIDE_MAX = 5;
const ASIDE = /^\.damaged-\d{8}T\d{6}Z(-\d+)?$/;

/**
 * @throws StoreError STORE_DAMAGED_AGAIN, and as ResultStore: STORE_DAMAGED where nothing can be saved by this version;
 *   VaultError VAULT_KEY_UNKNOWN, with nothing moved: a wrong key is no damage
 */
export function openResultStore(options: ResultStoreOptions & { readonly rescue: Rescue }): ResultStore {
  translated(options.path, () => finishMoves(options.path));
  try {
    if (!isSuspect(options.path)) return new ResultStore(options);
  } catch (error) {
    if (errorCode(error) !== "STORE_DAMAGED") throw error;
  }
  translated(options.path, () => replaceDamaged(options));
  return new ResultStore(options);
}

/** What was set aside, oldest first: names of databases in the folder of `path`. */
export function setAside(path: string): string[] {
  const name = basename(path);
  return readdirSync(dirname(path))
    .filter((entry) => entry.startsWith(name) && ASIDE.test(entry.slice(name.length)))
    .sort();
}

function replaceDamaged(options: ResultStoreOptions & { readonly rescue: Rescue }): void {
  const { path, vault, utcMs, rescue } = options;
  const { outboxMaxRows, outboxMaxBytes } = { ...OUTBOX_LIMITS, ...options };
  const present = setAside(path);
  if (present.length >= SET_ASIDE_MAX) {
    throw new StoreError("STORE_DAMAGED_AGAIN", `${path} is damaged, and ${present.length} were set aside before it`);
  }
  expectRoom(path, 2, `saving what can be saved of ${path}`);
  const mark = new HighWater(join(dirname(path), HIGH_WATER_FILE));
  const [saved, aside] = [savedOf(path), freeName(path, utcMs())];
  removeDatabase(saved);
  salvage({
    ...{ from: path, into: saved, file: basename(aside), vault, rescue, utcMs, outboxMaxRows, outboxMaxBytes },
    lastGiven: mark.isExact ? mark.value : 0,
    aboveReserved: mark.value === 0,
  });
  note(path, aside);
  finishMoves(path);
}

/** The damaged one aside, the saved one in its place: from wherever it was interrupted. */
function finishMoves(path: string): void {
  const notePath = noteOf(path);
  if (!existsSync(notePath)) return;
  const folder = dirname(path);
  const [saved, aside] = [savedOf(path), join(folder, basename(readFileSync(notePath, "utf8").trim()))];
  // While the saved one is there, what bears the store's name is the damaged one.
  if (existsSync(saved)) {
    for (const part of DATABASE_PARTS) if (existsSync(path + part)) renameSync(path + part, aside + part);
    syncFolder(folder);
    renameSync(saved, path);
    syncFolder(folder);
  }
  clearSuspicion(path);
  rmSync(notePath);
  syncFolder(folder);
}

function note(path: string, aside: string): void {
  const fresh = `${noteOf(path)}.new`;
  writeFileSync(fresh, `${basename(aside)}\n`, { mode: 0o600 });
  syncPath(fresh, "r+");
  renameSync(fresh, noteOf(path));
  syncFolder(dirname(path));
}

function noteOf(path: string): string {
  return `${path}.moving`;
}

function savedOf(path: string): string {
  return `${path}.saved`;
}

/** Never one that is there, whatever the clock says. */
function freeName(path: string, utcMs: number): string {
  const stamp = new Date(utcMs).toISOString().replace(/[-:]|\.\d+/g, "");
  for (let i = 1; ; i++) {
    const name = `${path}.damaged-${stamp}${i === 1 ? "" : `-${i}`}`;
    if (!DATABASE_PARTS.some((part) => existsSync(name + part))) return name;
  }
}
