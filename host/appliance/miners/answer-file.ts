/** The latest answer of each miner, as it came but for its secrets, kept in a file for whoever looks for a fault. */
import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../../base/error.ts";
import type { Clock } from "../../device/clock.ts";
import type { MinerUrl } from "./miner-url.ts";

export interface Answer {
  readonly simulated: boolean;
  readonly readAtUtcMs: number;
  /** JSON; null if it was too long to be kept. */
  readonly raw: string | null;
}

/** Those of miners that are no longer configured go first, the oldest first. */
const FILES_MAX = 64;
const BETWEEN_MS = 60_000;
const PART = ".part";

/** Names that differ make files that differ, also where upper and lower case are the same; at most 197 characters. */
export function answerFileName(worker: string): string {
  const hex = (byte: number) => `%${byte.toString(16).padStart(2, "0")}`;
  const safe = worker.replace(/[^a-z0-9._-]|^\./g, (character) => [...Buffer.from(character)].map(hex).join(""));
  return `${safe}.json`;
}

export class AnswerFolder {
  readonly #path: string;
  readonly #own: ReadonlySet<string>;
  #made: Promise<void> | undefined;

  /** @param workers those that are configured */
  constructor(path: string, workers: readonly string[]) {
    this.#path = path;
    this.#own = new Set(workers.map(answerFileName));
  }

  /** Readable by nobody else, and never half written. */
  async write(worker: string, text: string): Promise<void> {
    await this.#make();
    const path = join(this.#path, answerFileName(worker));
    const beside = `${path}${PART}`;
    await rm(beside, { force: true });
    await writeFile(beside, text, { mode: 0o600, flag: "wx" });
    await rename(beside, path);
  }

  /** Once; again after a failure. */
  #make(): Promise<void> {
    this.#made ??= this.#prepare().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    await chmod(this.#path, 0o700);
    const found = await readdir(this.#path, { withFileTypes: true });
    const names = found.filter((entry) => entry.isFile()).map(({ name }) => name);
    const others = names.filter((name) => name.endsWith(".json") && !this.#own.has(name));
    const aged = await Promise.all(
      others.map(async (name) => ({ name, ms: (await stat(this.#pathOf(name))).mtimeMs })),
    );
    aged.sort((a, b) => b.ms - a.ms);
    const tooMany = aged.slice(Math.max(0, FILES_MAX - this.#own.size)).map(({ name }) => name);
    const unfinished = names.filter((name) => name.endsWith(PART));
    for (const name of [...tooMany, ...unfinished]) await rm(this.#pathOf(name), { force: true });
  }

  #pathOf(name: string): string {
    return join(this.#path, name);
  }
}

export interface AnswerFileOptions {
  readonly folder: AnswerFolder;
  readonly url: MinerUrl;
  readonly clock: Clock;
  /** Counts a failure by its code. */
  readonly count: (code: string) => void;
}

/** Of one miner: written once a minute at most, and when it is urgent. Nothing here throws. */
export class AnswerFile {
  readonly #options: AnswerFileOptions;
  /** Not written yet. */
  #latest: Answer | undefined;
  #urgent = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | undefined;

  constructor(options: AnswerFileOptions) {
    this.#options = options;
  }

  /** @param answer undefined: there is no new one */
  keep(answer: Answer | undefined, urgent: boolean): void {
    this.#latest = answer ?? this.#latest;
    this.#urgent ||= urgent;
    const { clock } = this.#options;
    const due = this.#urgent || clock.nowMs() - this.#lastMs >= BETWEEN_MS;
    if (this.#latest === undefined || this.#writing !== undefined || !due) return;
    this.#writing = this.#write(this.#latest).finally(() => {
      this.#writing = undefined;
    });
    this.#latest = undefined;
    this.#urgent = false;
    this.#lastMs = clock.nowMs();
  }

  /** Writes what has not been written. */
  async flush(): Promise<void> {
    await this.#writing;
    this.keep(undefined, true);
    await this.#writing;
  }

  async #write({ raw, ...about }: Answer): Promise<void> {
    const { folder, url, count } = this.#options;
    const { worker, kind, host } = url;
    try {
      const kept = { worker, kind, host, ...about, raw: raw === null ? null : JSON.parse(raw) };
      await folder.write(worker, `${JSON.stringify(kept, null, 2)}\n`);
    } catch (error) {
      count(errorCode(error));
    }
  }
}
