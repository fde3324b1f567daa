/** How long the files of a folder have kept still: whoever still writes one changes its size or its time. */
import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";

interface Seen {
  readonly size: number;
  readonly mtimeMs: number;
  /** When this size and time were first seen, by the monotonic clock. */
  readonly sinceMs: number;
}

/** Files have times of the wall clock, which may be set at any moment; waiting is measured by one that is not. */
export interface Now {
  readonly utcMs: number;
  readonly monotonicMs: number;
}

export class Stillness {
  readonly #folder: string;
  readonly #seen = new Map<string, Seen>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** By what was watched or, where the file's own times tell of more, by these. Undefined where there is no such file. */
  async untouchedMs(name: string, now: Now): Promise<number | undefined> {
    const stats = await this.#stats(name);
    if (stats === undefined) return undefined;
    // A clock that was stepped back makes times look like the future: then only what was watched counts.
    const { utcMs, monotonicMs } = now;
    return Math.max(this.#watched(name, stats, monotonicMs), Math.min(utcMs - stats.mtimeMs, utcMs - stats.ctimeMs));
  }

  /** By what was watched alone: a file that was copied with its times is as new as any other. */
  async watchedMs(name: string, monotonicMs: number): Promise<number | undefined> {
    const stats = await this.#stats(name);
    return stats === undefined ? undefined : this.#watched(name, stats, monotonicMs);
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
