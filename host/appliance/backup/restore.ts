/**
 * Puts a backup in the place of what an appliance has.
 *
 * Everything is verified before anything is changed; what was there is set aside, never deleted. From then on a mark
 * stands in the data folder until all is in place: cut short, the appliance does not start, and the same restore is
 * done again.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
} from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CodedError, errorMessage } from "../../base/error.ts";
import { syncFolder } from "../../base/private-file.ts";
import type { Config } from "../../config/schema.ts";
import { readSigningKey } from "../../seal/key-file.ts";
import { type CopyFacts, factsOfCopy } from "../../store/backup.ts";
import { HIGH_WATER_FILE, HighWater } from "../../store/high-water.ts";
import { FolderLock } from "../../store/lock.ts";
import { resultsSchema } from "../../store/migrations.ts";
import { KEYS_FOLDER, LOCK_FILE, PAIRINGS_FOLDER, RESULTS_FILE } from "../files.ts";
import type { Random } from "../secrets.ts";
import { BackupError } from "./error.ts";
import { type KeyPlan, planKeys, writeKeys } from "./keys.ts";
import { CONFIG_FILE, decodeManifest, MANIFEST_FILE, type Manifest, verifyFiles } from "./manifest.ts";
import { withStage } from "./stage.ts";
import { listed, unpack } from "./tar.ts";
import { markFinished, markUnfinished } from "./unfinished.ts";

const MANIFEST_MAX_BYTES = 1 << 20;
/** Results that nobody makes more of in a second, for months: so many numbers may have been given since the backup. */
const RESULTS_PER_S = 100;
/** Of the folder that a backup is unpacked in. */
const STAGE = ".restore-";
/** The database, its journal, and what a rescue that was cut short would go on with. */
const DATABASE_FILES = /^results\.db(\.(saved|moving|suspect|new))?(-wal|-shm|-journal|\.new)?$/;

export interface RestoreOptions {
  readonly config: Config;
  /** In use now; null without one. */
  readonly configFile: string | null;
  readonly file: string;
  /** Only verify. */
  readonly check: boolean;
  readonly utcMs: () => number;
  readonly random: Random;
  /** 0 to 1. */
  readonly progress: (done: number) => void;
  readonly signal: AbortSignal;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Folder with what was there before; null where nothing was, or nothing was changed. */
  readonly setAside: string | null;
  /** Names of the keys that came from the backup; empty where those that were here are enough. */
  readonly keys: readonly string[];
  /** The next result's number is above it. */
  readonly above: number;
  /** Text of the backup's configuration file; null where it has none. */
  readonly backupConfig: string | null;
  /** It is another than the one in use. */
  readonly configDiffers: boolean;
}

/**
 * @throws BackupError, with nothing changed; StoreError STORE_IN_USE where the appliance runs, STORE_DAMAGED;
 *   what the signal says, until the first change
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { config, check } = options;
  expectOwner(config.dataDir);
  onDisk(config.dataDir, () => mkdirSync(config.dataDir, { recursive: true, mode: 0o700 }));
  const lock = check ? undefined : FolderLock.take(join(config.dataDir, LOCK_FILE));
  try {
    return await withStage(config.dataDir, STAGE, (folder) => restoreFrom(folder, options));
  } finally {
    lock?.release();
  }
}

async function restoreFrom(folder: string, options: RestoreOptions): Promise<Restored> {
  const { config, check, utcMs, random, signal } = options;
  const manifest = await opened(folder, options);
  // Which keys are known matters to no page of it.
  const plan = planKeys(config, join(folder, KEYS_FOLDER), random);
  const facts = factsOfCopy(join(folder, RESULTS_FILE), resultsSchema(plan.vault));
  const unknown = facts.keyIds.filter((id) => !plan.vault.knows(Buffer.from(id, "hex")));
  if (unknown.length > 0) {
    throw new BackupError("BACKUP_KEYS", `what is in it is encrypted with key ${unknown.join(", ")}`);
  }
  const above = highest(config.dataDir, manifest, facts, utcMs());
  const backupConfig = configIn(folder);
  const configDiffers = backupConfig !== null && backupConfig !== textOf(options.configFile);
  signal.throwIfAborted();
  const setAside = check ? null : exchange(folder, config, plan, above, utcMs());
  const names = plan.files.map(({ name }) => name);
  return { manifest, setAside, keys: names, above, backupConfig, configDiffers };
}

/** Unpacks and verifies. */
async function opened(folder: string, { file, progress, signal }: RestoreOptions): Promise<Manifest> {
  const archive = resolve(file);
  const size = await stat(archive).catch((cause: unknown) => {
    throw new BackupError("BACKUP_FILE", errorMessage(cause), { cause });
  });
  const names = await listed(archive, signal);
  await unpack(archive, folder, names, signal);
  const manifestFile = await stat(join(folder, MANIFEST_FILE));
  if (manifestFile.size > MANIFEST_MAX_BYTES) throw new BackupError("BACKUP_DAMAGED", `${MANIFEST_FILE} is too long`);
  const manifest = decodeManifest(await readFile(join(folder, MANIFEST_FILE), "utf8"));
  let bytes = 0;
  await verifyFiles(folder, manifest, names, signal, (more) => {
    bytes += more;
    progress(bytes / Math.max(1, size.size));
  });
  settleFiles(folder, names);
  return manifest;
}

/**
 * No higher number was given, by the appliance whose backup it is, until now. The one that lies here knows it where it
 * is the same one, which its signing key tells; of another, that may be lost, only the time since the backup does.
 *
 * @throws BackupError BACKUP_CLOCK
 */
function highest(dataDir: string, manifest: Manifest, { reserved }: CopyFacts, nowUtcMs: number): number {
  const present = new HighWater(join(dataDir, HIGH_WATER_FILE)).value;
  const known = Math.max(present, reserved, manifest.store.highWater);
  const key = readSigningKey(join(dataDir, KEYS_FOLDER), ownUid())?.publicKey.toString("hex");
  const isSame = present > 0 && key !== undefined && key === manifest.publicKey;
  const sinceMs = nowUtcMs - manifest.utcMs;
  if (!isSame && sinceMs < 0) {
    throw new BackupError("BACKUP_CLOCK", `the backup was made ${Math.ceil(-sinceMs / 60_000)} minutes from now`);
  }
  return known + 1 + (isSame ? 0 : Math.ceil(sinceMs / 1000) * RESULTS_PER_S);
}

/**
 * @returns the folder that holds what was there before; null where nothing was
 * @throws BackupError BACKUP_UNFINISHED where the disk would not in the middle of it
 */
function exchange(folder: string, config: Config, plan: KeyPlan, above: number, nowUtcMs: number): string | null {
  const { dataDir } = config;
  const aside = onDisk(dataDir, () => {
    const made = newFolder(dataDir, `before-restore-${new Date(nowUtcMs).toISOString().replace(/[:.]/g, "")}`);
    markUnfinished(dataDir, made);
    return made;
  });
  try {
    // First of all: whatever happens from here on, no number is given twice.
    new HighWater(join(dataDir, HIGH_WATER_FILE)).raise(above);
    const moved = exchangeFiles(folder, dataDir, aside);
    moved.push(...writeKeys(config, plan, aside));
    syncFolder(aside);
    syncFolder(dataDir);
    if (moved.length === 0) rmdirSync(aside);
    markFinished(dataDir);
    return moved.length === 0 ? null : aside;
  } catch (cause) {
    throw new BackupError("BACKUP_UNFINISHED", errorMessage(cause), { cause });
  }
}

/** @returns names of what was set aside */
function exchangeFiles(folder: string, dataDir: string, aside: string): string[] {
  const brought = [RESULTS_FILE, PAIRINGS_FOLDER].filter((name) => existsSync(join(folder, name)));
  const replaced = (name: string) => DATABASE_FILES.test(name) || (name === PAIRINGS_FOLDER && brought.includes(name));
  const moved = readdirSync(dataDir).filter(replaced);
  for (const name of moved) renameSync(join(dataDir, name), join(aside, name));
  for (const name of brought) renameSync(join(folder, name), join(dataDir, name));
  return moved;
}

/** What is unpacked has the mode of its archive: it becomes private, and durable. */
function settleFiles(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const file = openSync(join(folder, name), "r");
    try {
      fchmodSync(file, 0o600);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
  for (const below of readdirSync(folder, { withFileTypes: true })) {
    if (!below.isDirectory()) continue;
    chmodSync(join(folder, below.name), 0o700);
    syncFolder(join(folder, below.name));
  }
}

function newFolder(parent: string, name: string): string {
  for (let copy = 1; ; copy++) {
    const folder = join(parent, copy === 1 ? name : `${name}-${copy}`);
    if (existsSync(folder)) continue;
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  }
}

function configIn(folder: string): string | null {
  const brought = join(folder, CONFIG_FILE);
  return existsSync(brought) ? textOf(brought) : null;
}

function textOf(path: string | null): string | null {
  return path === null ? null : readFileSync(path, "utf8");
}

function ownUid(): number {
  return process.getuid?.() ?? 0;
}

/** Files of another user would be of no use to the appliance. @throws BackupError BACKUP_USER */
function expectOwner(dataDir: string): void {
  const owner = statSync(dataDir, { throwIfNoEntry: false })?.uid ?? ownUid();
  if (owner !== ownUid())
    throw new BackupError("BACKUP_USER", `${dataDir} belongs to user ${owner}, this is ${ownUid()}`);
}

function onDisk<Value>(path: string, work: () => Value): Value {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new BackupError("BACKUP_FILE", `${path}: ${errorMessage(cause)}`, { cause });
  }
}
