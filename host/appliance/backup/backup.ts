/** A backup of one appliance: its results, its configuration, how paired miners are set back, and its keys if asked for. */
import { existsSync } from "node:fs";
import { copyFile, mkdir, open, readdir, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { errorMessage } from "../../base/error.ts";
import type { Config } from "../../config/schema.ts";
import { readSigningKey, SIGNING_KEY_FILE } from "../../seal/key-file.ts";
import { copyDatabase, factsOfCopy } from "../../store/backup.ts";
import { HIGH_WATER_FILE, HighWater } from "../../store/high-water.ts";
import { resultsSchema } from "../../store/migrations.ts";
import { KEYS_FOLDER, PAIRINGS_FOLDER, RESULTS_FILE } from "../files.ts";
import { AT_REST_FILE, type Random, readerOf, readKeyTexts, readSecrets, SITE_FILE } from "../secrets.ts";
import { BackupError } from "./error.ts";
import {
  CONFIG_FILE,
  describeFile,
  encodeManifest,
  FILE_NAME,
  MANIFEST_FILE,
  type Manifest,
  makeManifest,
} from "./manifest.ts";
import { withStage } from "./stage.ts";
import { pack } from "./tar.ts";

/** Of the folder that its parts are gathered in, beside the file. */
const STAGE = ".lv06-backup-";
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** Of the whole work: the copy of the database, and the digests. */
const COPY_PART = 0.5;
const DIGEST_PART = 0.3;

export interface BackupOptions {
  readonly config: Config;
  /** That the configuration was read from; null without one. */
  readonly configFile: string | null;
  /** Secret keys that stand in the configuration file itself. */
  readonly secretsInFile: readonly string[];
  readonly file: string;
  readonly withKeys: boolean;
  readonly replace: boolean;
  readonly software: string;
  readonly utcMs: () => number;
  readonly random: Random;
  /** 0 to 1. */
  readonly progress: (done: number) => void;
  readonly signal: AbortSignal;
}

export interface Backup {
  readonly manifest: Manifest;
  readonly sizeBytes: number;
}

/**
 * Works while the appliance runs, and without it. The file is there whole, or not at all.
 *
 * @throws BackupError BACKUP_SECRETS, BACKUP_FILE, BACKUP_TAR; StoreError; VaultError; what the signal says
 */
export async function makeBackup(options: BackupOptions): Promise<Backup> {
  const { withKeys, secretsInFile } = options;
  const file = resolve(options.file);
  if (!withKeys && secretsInFile.length > 0) {
    throw new BackupError("BACKUP_SECRETS", `the configuration file holds ${secretsInFile.join(", ")}`);
  }
  if (!options.replace && existsSync(file)) throw new BackupError("BACKUP_FILE", `${file} is there already`);
  // Before the copy: what is made after this moment may not be in it.
  const utcMs = options.utcMs();
  try {
    return await withStage(dirname(file), STAGE, (folder) => makeIn(folder, file, utcMs, options));
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  }
}

async function makeIn(folder: string, file: string, utcMs: number, options: BackupOptions): Promise<Backup> {
  const names = await gather(options, folder);
  const manifest = await describe(options, utcMs, folder, names);
  await writeFile(join(folder, MANIFEST_FILE), encodeManifest(manifest), { mode: PRIVATE_FILE });
  const archive = join(folder, "archive");
  await writeFile(archive, "", { mode: PRIVATE_FILE });
  await pack(archive, folder, [MANIFEST_FILE, ...names], options.signal);
  const { size } = await stat(archive);
  await onDisk(file, () => settle(archive, file));
  return { manifest, sizeBytes: size };
}

/** @returns names of what is in the folder now */
async function gather(options: BackupOptions, folder: string): Promise<readonly string[]> {
  const { config, configFile, withKeys, progress, signal } = options;
  const { vault } = readSecrets(config, options.random);
  const names = [RESULTS_FILE];
  await copyDatabase(join(config.dataDir, RESULTS_FILE), resultsSchema(vault), join(folder, RESULTS_FILE), {
    progress: (done) => progress(COPY_PART * done),
    signal,
  });
  if (configFile !== null) {
    await onDisk(configFile, () => copyFile(configFile, join(folder, CONFIG_FILE)));
    names.push(CONFIG_FILE);
  }
  names.push(...(await gatherPairings(config.dataDir, folder)));
  if (withKeys) names.push(...(await gatherKeys(config, folder)));
  return names;
}

/** Little files that are replaced whole: each is copied as it stands. */
async function gatherPairings(dataDir: string, folder: string): Promise<readonly string[]> {
  const source = join(dataDir, PAIRINGS_FOLDER);
  if (!existsSync(source)) return [];
  await mkdir(join(folder, PAIRINGS_FOLDER), { mode: PRIVATE_FOLDER });
  const names = (await readdir(source))
    .map((name) => `${PAIRINGS_FOLDER}/${name}`)
    .filter((name) => FILE_NAME.test(name));
  for (const name of names) await onDisk(name, () => copyFile(join(dataDir, name), join(folder, name)));
  return names;
}

/** Those in force, wherever they come from. */
async function gatherKeys(config: Config, folder: string): Promise<readonly string[]> {
  const { atRest, site } = readKeyTexts(config);
  const signing = readSigningKey(join(config.dataDir, KEYS_FOLDER), readerOf(config.dataDir));
  const texts = [
    [AT_REST_FILE, `${atRest.trimEnd()}\n`],
    [SITE_FILE, `${site.trim()}\n`],
    ...(signing === undefined ? [] : [[SIGNING_KEY_FILE, signing.pem()] as const]),
  ] as const;
  await mkdir(join(folder, KEYS_FOLDER), { mode: PRIVATE_FOLDER });
  for (const [name, text] of texts) await writeFile(join(folder, KEYS_FOLDER, name), text, { mode: PRIVATE_FILE });
  return texts.map(([name]) => `${KEYS_FOLDER}/${name}`);
}

async function describe(
  options: BackupOptions,
  utcMs: number,
  folder: string,
  names: readonly string[],
): Promise<Manifest> {
  const { config, withKeys, software, random, progress, signal } = options;
  const { site, appliance, dataDir } = config;
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const allBytes = sizes.reduce((sum, bytes) => sum + bytes, 1);
  let readBytes = 0;
  const read = (bytes: number) => {
    readBytes += bytes;
    progress(COPY_PART + DIGEST_PART * (readBytes / allBytes));
  };
  const files: Manifest["files"] = [];
  for (const name of names) files.push(await describeFile(folder, name, signal, read));
  const { keyIds, ...facts } = factsOfCopy(
    join(folder, RESULTS_FILE),
    resultsSchema(readSecrets(config, random).vault),
  );
  const highWater = new HighWater(join(dataDir, HIGH_WATER_FILE)).value;
  const publicKey = readSigningKey(join(dataDir, KEYS_FOLDER), readerOf(dataDir))?.publicKey.toString("hex") ?? null;
  const store = { ...facts, highWater };
  return makeManifest({ software, site, appliance, utcMs, withKeys, publicKey, keyIds: [...keyIds], store, files });
}

async function settle(archive: string, file: string): Promise<void> {
  await syncPath(archive);
  await rename(archive, file);
  await syncPath(dirname(file));
}

async function syncPath(path: string): Promise<void> {
  const opened = await open(path, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

async function onDisk<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (cause) {
    throw new BackupError("BACKUP_FILE", `${path}: ${errorMessage(cause)}`, { cause });
  }
}
