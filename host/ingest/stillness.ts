/** How long the files of a folder have kept still: whoever still writes one changes its size or its time. */
import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";

interface Seen {
  readonly size: number;
  readonly mtimeMs: number;
  /** When this size and time were first seen. */
  readonly sinceMs: number;
}

export class Stillness {
  readonly #folder: string;
  readonly #seen = new Map<string, Seen>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** By what was watched or, where the file's own times tell of more, by these. Undefined where there is no such file. */
  async untouchedMs(name: string, nowMs: number): Promise<number | undefined> {
    const stats = await this.#stats(name);
    if (stats === undefined) return undefined;
    // A clock that was stepped back makes times look like the future: then only what was watched counts.
    return Math.max(this.#watched(name, stats, nowMs), Math.min(nowMs - stats.mtimeMs, nowMs - stats.ctimeMs));
  }

  /** By what was watched alone: a file that was copied with its times is as new as any other. */
  async watchedMs(name: string, nowMs: number): Promise<number | undefined> {
    const stats = await this.#stats(name);
    return stats === undefined ? undefined : this.#watched(name, stats, nowMs);
  }

  forget(name: string): void {
    this.#seen.delete(name);
  }

  forgetAllBut(present: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) if (!present.has(name)) this.#seen.delete(name);
  }

  #watched(name: string, { size, mtimeMs }: Stats, nowMs: number): number {
    const known = this.#seen.get(name);
    const same = known !== undefined && known.size === size && known.mtimeMs === mtimeMs;
    const sinceMs = same ? known.sinceMs : nowMs;
    this.#seen.set(name, { size, mtimeMs, sinceMs });
    return nowMs - sinceMs;
  }

  #stats(name: string): Promise<Stats | undefined> {
    return lstat(join(this.#folder, name)).catch(() => undefined);
  }
}
