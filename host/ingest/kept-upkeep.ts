/** Holds the folders of files that were put away to their limits, and brings what an older key encrypted under the current one. */
import { lstat, open, readdir, readFile, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "../base/error.ts";
import { Rounds } from "../base/rounds.ts";
import type { Vault } from "../base/vault.ts";
import { KEPT_ENDING, writeWhole } from "./keeper.ts";
import { KEY_ID_END, keyIdOf, resealKept } from "./kept-file.ts";
import { beyondLimits, type Kept, type KeptLimits } from "./kept-limits.ts";

export interface KeptFolder extends KeptLimits {
  readonly path: string;
  /** The oldest go where the disk lacks room. */
  readonly givesWay: boolean;
}

export interface KeptUpkeepParts {
  /** Folders of kept files, with what each may hold. */
  readonly folders: readonly KeptFolder[];
  readonly vault: Vault;
  readonly utcMs: () => number;
  /** False while the clock is known to be wrong: nothing is removed for its age then. */
  readonly timeTrusted: () => boolean;
  /** Bytes that the disk lacks before new work may come in; 0 where it lacks none. */
  readonly lackingBytes: () => number;
  /** Once a round in which some were. */
  readonly removed: (files: number) => void;
  /** A folder could not be looked into; the next round tries again. */
  readonly failed: (error: unknown) => void;
  /** A file could not be read or removed; the others were. What it is called besides is not told: it may name somebody. */
  readonly fileFailed: (code: string, id: string) => void;
}

/** A folder may have ten thousands of files: looking at each takes a while. */
const EVERY_MS = 600_000;
/** Where the disk lacks room, or a folder has outgrown its limits, a round does not wait so long. */
const LOOK_MS = 30_000;
const GROWN_LOOK_MS = 2_000;
/** A folder has outgrown its limits when it is beyond them by this part of them. */
const BEYOND = 1 / 16;
/** So far a file's time may be ahead of the clock: it was set back a little, or the file lies on another machine. */
const AHEAD_MS = 60_000;
const ID = /^([0-9a-f]{32})\./;

/** What a folder may still take, as far as is known. */
interface Room {
  bytes: number;
  files: number;
}

export class KeptUpkeep {
  readonly #parts: KeptUpkeepParts;
  /** By path. */
  readonly #room = new Map<string, Room>();
  #lastErrorCode: string | null = null;
  readonly #rounds = new Rounds({
    round: (signal) => this.tidy(signal),
    pause: (signal) => this.#pause(signal),
  });

  constructor(parts: KeptUpkeepParts) {
    this.#parts = parts;
  }

  /** Idempotent. */
  start(): void {
    this.#rounds.start();
  }

  /** Resolves once the file under way is done. Idempotent, never throws. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Of the last thing that failed in the latest round; null where nothing did. */
  get lastErrorCode(): string | null {
    return this.#lastErrorCode;
  }

  /** One round through all folders. Never throws. */
  async tidy(signal: AbortSignal = this.#rounds.signal): Promise<void> {
    const { folders, failed, removed } = this.#parts;
    this.#lastErrorCode = null;
    for (const folder of folders) {
      try {
        const files = await this.#prune(folder, signal);
        if (files > 0) removed(files);
        await this.#reseal(folder.path, signal);
      } catch (error) {
        this.#lastErrorCode = errorCode(error);
        failed(error);
      }
    }
  }

  /** A file of so many bytes was put away in this folder: when it is full, the next round comes soon. */
  grew(path: string, sizeBytes: number): void {
    const room = this.#room.get(path);
    if (room === undefined) return;
    room.bytes -= sizeBytes;
    room.files -= 1;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    for (let waitedMs = GROWN_LOOK_MS; waitedMs <= EVERY_MS && !signal.aborted; waitedMs += GROWN_LOOK_MS) {
      await sleep(GROWN_LOOK_MS, undefined, { signal, ref: false }).catch(() => {});
      if (this.#hasOutgrown) return;
      if (waitedMs % LOOK_MS === 0 && this.#parts.lackingBytes() > 0) return;
    }
  }

  /** A folder is beyond its limits by more than is left to the next regular round. */
  get #hasOutgrown(): boolean {
    return this.#parts.folders.some(({ path, maxBytes, maxFiles }) => {
      const { bytes, files } = this.#room.get(path) ?? { bytes: 0, files: 0 };
      return bytes < -maxBytes * BEYOND || files < -(maxFiles ?? 0) * BEYOND;
    });
  }

  /** @returns how many images went */
  async #prune({ path, givesWay, ...limits }: KeptFolder, signal: AbortSignal): Promise<number> {
    const { timeTrusted, utcMs, lackingBytes } = this.#parts;
    // What comes from here on may be in the list or not: it is counted.
    const grown: Room = { bytes: 0, files: 0 };
    this.#room.set(path, grown);
    const names = await namesIn(path);
    if (timeTrusted()) await this.#setTimes(path, names, signal);
    const kept = await keptIn(path, names, signal);
    const trusted = timeTrusted() ? limits : { ...limits, maxAgeMs: null };
    const ids = new Set(beyondLimits(kept, trusted, utcMs(), givesWay ? lackingBytes() : 0));
    // As if all of them went: what cannot be removed is tried again at the next regular round only.
    const stay = kept.filter(({ id }) => !ids.has(id));
    grown.bytes += limits.maxBytes - stay.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    grown.files += (limits.maxFiles ?? Number.POSITIVE_INFINITY) - stay.length;
    // What tells of a file goes last: a round that is cut short finds it again.
    const files = names.filter((name) => ids.has(idIn(name) ?? "")).sort(headsLast);
    const failed = new Set<string>();
    for (const name of files) {
      if (signal.aborted) break;
      const id = idIn(name) ?? "";
      if (isHead(name) && failed.has(id)) continue;
      const gone = await this.#guarded(id, () => rm(join(path, name), { recursive: true, force: true }));
      if (!gone) failed.add(id);
    }
    return ids.size - failed.size;
  }

  /** What was put away while nobody knew the time, or while the clock was ahead, is as old as is known for certain: it was there now. */
  async #setTimes(path: string, names: readonly string[], signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.utcMs();
    for (const name of names) {
      if (signal.aborted) return;
      const id = idIn(name);
      if (id === undefined || !name.endsWith(KEPT_ENDING)) continue;
      const stats = await lstat(join(path, name)).catch(() => undefined);
      if (stats === undefined || stats.mtimeMs <= nowMs + AHEAD_MS) continue;
      await this.#guarded(id, () => utimes(join(path, name), nowMs / 1000, nowMs / 1000));
    }
  }

  /** One file must not keep all others from their upkeep. @returns whether it went well */
  async #guarded(id: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#lastErrorCode = errorCode(error);
      this.#parts.fileFailed(errorCode(error), id);
      return false;
    }
  }

  async #reseal(path: string, signal: AbortSignal): Promise<void> {
    for (const name of await namesIn(path)) {
      if (signal.aborted) return;
      const id = idIn(name);
      if (id === undefined || !name.endsWith(KEPT_ENDING)) continue;
      await this.#guarded(id, () =>
        this.#resealOne(path, name).catch((error: unknown) => {
          // Removed meanwhile, or damaged, and then it is left as it is.
          if (!["ENOENT", "VAULT_DAMAGED"].includes(errorCode(error))) throw error;
        }),
      );
    }
  }

  async #resealOne(path: string, name: string): Promise<void> {
    const place = join(path, name);
    if (!(await isOlder(place, this.#parts.vault))) return;
    const { atimeMs, mtimeMs } = await lstat(place);
    const id = name.slice(0, -KEPT_ENDING.length);
    await writeWhole(path, name, await resealKept(this.#parts.vault, id, await readFile(place)));
    // It is as old as it was.
    await utimes(place, atimeMs / 1000, mtimeMs / 1000);
  }
}

function idIn(name: string): string | undefined {
  return ID.exec(name)?.[1];
}

function isHead(name: string): boolean {
  return /^[0-9a-f]{32}\.lv06e$/.test(name);
}

function headsLast(a: string, b: string): number {
  return Number(isHead(a)) - Number(isHead(b));
}

async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
}

/** By id; a folder that was put in counts as nothing, for it is not looked into. */
async function keptIn(path: string, names: readonly string[], signal: AbortSignal): Promise<readonly Kept[]> {
  const byId = new Map<string, Kept>();
  for (const name of names) {
    if (signal.aborted) break;
    const id = idIn(name);
    const stats = id === undefined ? undefined : await lstat(join(path, name)).catch(() => undefined);
    if (id === undefined || stats === undefined) continue;
    const known = byId.get(id);
    // What was never read has the times that it came with.
    const utcMs = name.endsWith(KEPT_ENDING) ? stats.mtimeMs : (known?.utcMs ?? Number.POSITIVE_INFINITY);
    byId.set(id, { id, utcMs, sizeBytes: (known?.sizeBytes ?? 0) + stats.size });
  }
  return [...byId.values()];
}

/** Whether another key than the current one, and one that is known, encrypted it. */
async function isOlder(path: string, vault: Vault): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(KEY_ID_END), 0, KEY_ID_END, 0);
    const keyId = keyIdOf(buffer.subarray(0, bytesRead));
    return keyId !== undefined && !keyId.equals(vault.currentKeyId) && vault.knows(keyId);
  } finally {
    await file.close();
  }
}
