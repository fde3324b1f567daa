/**
 * Puts files of the inbox away: encrypted first, and only then gone.
 *
 * A kill at any point leaves the original in the inbox, where its id is known again, or the kept file whole, or both.
 * Names tell nothing: the original's stands inside the kept file.
 */
import type { Stats } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Vault } from "../base/vault.ts";
import { sealKept } from "./kept-file.ts";
import { freePlace, isSame } from "./places.ts";
import { readImageFile } from "./read.ts";

/** Folders within the inbox. */
export const PROCESSED = "processed";
export const QUARANTINE = "quarantine";
/** Of the file beside a refused one that says why; it names nothing. */
export const REASON_ENDING = ".reason.json";
export const KEPT_ENDING = ".lv06e";
/** What was never read stays as it came, but for its name. */
const UNREAD_ENDING = ".unread";
const PART_ENDING = ".part";
const GONE_ENDING = ".gone";
export const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const LARGE_BYTES = 4 * 2 ** 20;
/** The latest that every file system can hold: newer than all, until the upkeep knows the time and sets it. */
const TIME_UNKNOWN_S = 2 ** 31 - 1;

export interface KeeperOptions {
  readonly inbox: string;
  /** Longer files are not read. */
  readonly maxFileBytes: number;
  readonly vault: Vault;
  readonly utcMs: () => number;
  /** False while the clock is known to be wrong: what is put away then gets its time later. */
  readonly timeTrusted: () => boolean;
  /** Something of so many bytes was put away in a folder. */
  readonly kept?: ((folder: string, sizeBytes: number) => void) | undefined;
}

/** A file that was dealt with, and what it is called where it goes. */
export interface Departing {
  readonly name: string;
  readonly file: Stats;
  /** Folder that it goes to. */
  readonly folder: string;
  /** The same for the same file: kept again after a kill, it replaces itself. */
  readonly id: string;
}

export class Keeper {
  readonly #options: KeeperOptions;
  /** Large files go one at a time: while it is encrypted, a file is in memory three times. */
  #lastLarge: Promise<unknown> = Promise.resolve();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Durable when it resolves; the original is where it was. @returns false when another file stands there now */
  keep(departing: Departing): Promise<boolean> {
    if (departing.file.size <= LARGE_BYTES) return this.#keep(departing);
    const work = this.#lastLarge.then(() => this.#keep(departing));
    this.#lastLarge = work.catch(() => {});
    return work;
  }

  /** Takes the original away. What was put in under its name meanwhile is something else, and stays in the inbox. */
  async remove(departing: Departing): Promise<void> {
    const { name, file, folder, id } = departing;
    const unread = this.#isUnread(file);
    const place = join(folder, unread ? `${id}${UNREAD_ENDING}` : goneName(id, file));
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
    await rename(join(this.#options.inbox, name), place);
    if (!isSame(file, await lstat(place))) await rename(place, await freePlace(this.#options.inbox, name));
    else if (!unread) await rm(place);
  }

  /** Clears up what a kill left in a folder of ours. */
  async recover(folder: string): Promise<void> {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (name.startsWith(".") && name.endsWith(PART_ENDING)) await rm(path, { force: true });
      if (name.startsWith(".") && name.endsWith(GONE_ENDING)) await this.#goneOrBack(path, name);
    }
  }

  /** Killed between taking a file away and looking whether it was the one: the name tells which one was meant. */
  async #goneOrBack(path: string, name: string): Promise<void> {
    const stats = await lstat(path);
    if (name.endsWith(goneSuffix(stats))) await rm(path);
    else await rename(path, await freePlace(this.#options.inbox, `returned-${name.slice(1, 9)}`));
  }

  async #keep({ name, file, folder, id }: Departing): Promise<boolean> {
    const path = join(this.#options.inbox, name);
    if (!isSame(file, await lstat(path))) return false;
    const unread = this.#isUnread(file);
    const content = unread ? new Uint8Array() : await readImageFile(path, this.#options.maxFileBytes);
    // Read between two looks at the same file: these are the bytes that were dealt with.
    if (!isSame(file, await lstat(path))) return false;
    const { vault, utcMs, timeTrusted } = this.#options;
    const sealed = await sealKept(vault, id, { reference: name, utcMs: utcMs(), unread }, content);
    await writeWhole(folder, `${id}${KEPT_ENDING}`, sealed, timeTrusted() ? undefined : TIME_UNKNOWN_S);
    this.#options.kept?.(folder, unread ? file.size : sealed.length);
    return true;
  }

  #isUnread(file: Stats): boolean {
    return !file.isFile() || file.size > this.#options.maxFileBytes;
  }
}

/** Durable, and whole or not at all. @param timeS what its times are to be, in s since 1970; without it, now */
export async function writeWhole(folder: string, name: string, bytes: Uint8Array, timeS?: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const part = join(folder, `.${name}${PART_ENDING}`);
  const file = await open(part, "w", PRIVATE_FILE);
  try {
    await file.writeFile(bytes);
    if (timeS !== undefined) await file.utimes(timeS, timeS);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, join(folder, name));
  const opened = await open(folder, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

function goneName(id: string, file: Stats): string {
  return `.${id}${goneSuffix(file)}`;
}

function goneSuffix({ ino, size, mtimeMs }: Stats): string {
  return `.${ino}-${size}-${mtimeMs}${GONE_ENDING}`;
}
