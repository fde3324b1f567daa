/**
 * The inbox folder: files that are put into it become image requests.
 *
 * A file is taken once it has kept its size and time for `settleMs`; renaming a complete file into the folder is
 * the safe way to put one in. What was processed moves to `processed/` in the inbox, what was refused to `quarantine/`
 * with a `.reason.json` beside it. A file that cannot be served now stays where it is and is tried again, so nothing is
 * lost when the appliance stops, and everything that waits is found again at the next start.
 */
import { type FSWatcher, mkdirSync, type Stats, watch } from "node:fs";
import { lstat, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, errorMessage } from "../base/error.ts";
import type { Outcome } from "../pipeline/pipeline.ts";
import type { ImageRequest, Mode } from "../pipeline/request.ts";
import { type IngestCode, IngestError } from "./error.ts";
import { freePlace, idOf, isSame, reasonFiles } from "./places.ts";
import { readImageFile, refuseOddEntry } from "./read.ts";

export interface InboxOptions {
  readonly folder: string;
  readonly mode: Mode;
  /** A file is complete when size and time have not changed for this long. */
  readonly settleMs: number;
  /** Folder changes are watched; this is for the ones that the watch misses. */
  readonly rescanMs: number;
  /** How long a file that could not be served waits for its next try. */
  readonly retryMs: number;
  readonly maxFileBytes: number;
  /** Images under way at once. */
  readonly maxInFlight: number;
}

/** Why an entry is in quarantine. */
export interface Refusal {
  readonly reference: string;
  readonly fileDigest: string | null;
  readonly code: string;
  readonly message: string;
}

export interface InboxParts {
  process(request: ImageRequest): Promise<Outcome>;
  nowMs(): number;
  refused(refusal: Refusal): void;
  /** A file waits because of `code`; called once a try. No name: it may be a patient's. */
  delayed(code: string): void;
}

type Unnamed = Omit<Refusal, "reference">;
type Settled = Extract<Outcome, { kind: "result" | "known" }> | ({ readonly kind: "refused" } & Unnamed);

/** What became of a file that could not be moved away: its journey is over, only the move is tried again. */
interface Unmoved {
  readonly file: Stats;
  readonly outcome: Settled;
}

interface Seen {
  readonly size: number;
  readonly mtimeMs: number;
  /** When this size and time were first seen. */
  readonly sinceMs: number;
}

/** The file may be whole, or there again, at the next look. */
const MAY_PASS: ReadonlySet<IngestCode> = new Set(["INGEST_CHANGED", "INGEST_MISSING"]);

/** Names that a copy in progress or a person's file manager leaves, never taken as images. */
const IGNORED = /^\.|\.(part|partial|tmp|crdownload)$|~$/i;

const PROCESSED = "processed";
const QUARANTINE = "quarantine";
/** Within the inbox, so that moving a file there is always a rename on one file system. */
const OWN_FOLDERS: readonly string[] = [PROCESSED, QUARANTINE];

export class Inbox {
  readonly #options: InboxOptions;
  readonly #parts: InboxParts;
  readonly #seen = new Map<string, Seen>();
  readonly #retryAtMs = new Map<string, number>();
  readonly #unmoved = new Map<string, Unmoved>();
  readonly #inFlight = new Map<string, Promise<void>>();
  /** The folder's files at the last look. */
  #present = new Set<string>();
  /** Of those, the ones that were not considered yet. */
  #backlog: string[] = [];
  #trouble: string | null = null;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #scan: Promise<void> | undefined;
  #again = false;
  #stopped = true;

  constructor(options: InboxOptions, parts: InboxParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Why the folder cannot be read now; null when it can. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Images under way, and files that wait. */
  get counts(): { readonly inFlight: number; readonly waiting: number } {
    return { inFlight: this.#inFlight.size, waiting: Math.max(0, this.#present.size - this.#inFlight.size) };
  }

  /** Makes the folders and takes what is already there. @throws IngestError INGEST_INBOX */
  async start(): Promise<void> {
    const { folder } = this.#options;
    try {
      this.#prepare(folder);
    } catch (error) {
      throw new IngestError("INGEST_INBOX", `the inbox ${folder} cannot be used: ${errorMessage(error)}`, {
        cause: error,
      });
    }
    this.#stopped = false;
    this.#wake();
  }

  /** Takes no further file and waits for those under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watcher?.close();
    clearTimeout(this.#timer);
    await this.#scan;
    await Promise.allSettled(this.#inFlight.values());
  }

  #wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#scan ??= this.#scanUntilQuiet();
  }

  async #scanUntilQuiet(): Promise<void> {
    clearTimeout(this.#timer);
    let nextMs = this.#options.rescanMs;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      nextMs = await this.#scanOnce().catch(() => this.#options.rescanMs);
    }
    this.#scan = undefined;
    if (!this.#stopped) this.#timer = setTimeout(() => this.#wake(), nextMs);
  }

  /** @returns ms until the next file can be ready */
  async #scanOnce(): Promise<number> {
    // A long list is worked off before the folder is read again: reading it for every file would take ever longer.
    if (this.#backlog.length === 0) await this.#list();
    let nextMs = this.#options.rescanMs;
    while (this.#inFlight.size < this.#options.maxInFlight && !this.#stopped) {
      const name = this.#backlog.shift();
      if (name === undefined) break;
      if (!this.#inFlight.has(name)) nextMs = Math.min(nextMs, await this.#consider(name));
    }
    return nextMs;
  }

  /** A folder that has gone is made again, and watched again. */
  async #list(): Promise<void> {
    const { folder } = this.#options;
    try {
      if (this.#trouble !== null) this.#prepare(folder);
      const names = await readdir(folder);
      this.#backlog = names.filter((name) => !IGNORED.test(name) && !OWN_FOLDERS.includes(name)).sort();
      this.#present = new Set(this.#backlog);
      this.#forget(this.#present);
      this.#trouble = null;
    } catch (error) {
      if (this.#trouble === null) this.#parts.delayed("INGEST_INBOX");
      this.#trouble = errorCode(error);
    }
  }

  #prepare(folder: string): void {
    this.#watcher?.close();
    for (const name of OWN_FOLDERS) mkdirSync(join(folder, name), { recursive: true });
    this.#watcher = watch(folder, () => this.#wake());
    this.#watcher.on("error", () => {});
  }

  #forget(present: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) if (!present.has(name)) this.#seen.delete(name);
    for (const name of this.#retryAtMs.keys()) if (!present.has(name)) this.#retryAtMs.delete(name);
    for (const name of this.#unmoved.keys()) if (!present.has(name)) this.#unmoved.delete(name);
  }

  /** Takes the entry, or says in how many ms it may be ready. */
  async #consider(name: string): Promise<number> {
    const nowMs = this.#parts.nowMs();
    const retryInMs = (this.#retryAtMs.get(name) ?? 0) - nowMs;
    if (retryInMs > 0) return retryInMs;
    const stats = await lstat(join(this.#options.folder, name)).catch(() => undefined);
    if (stats === undefined) return this.#options.rescanMs;
    const known = this.#seen.get(name);
    const same = known !== undefined && known.size === stats.size && known.mtimeMs === stats.mtimeMs;
    const sinceMs = same ? known.sinceMs : nowMs;
    this.#seen.set(name, { size: stats.size, mtimeMs: stats.mtimeMs, sinceMs });
    const { settleMs } = this.#options;
    // A clock that was stepped back makes times look like the future: then only what was watched counts.
    const untouchedMs = Math.max(nowMs - sinceMs, Math.min(nowMs - stats.mtimeMs, nowMs - stats.ctimeMs));
    if (untouchedMs < settleMs) return settleMs - Math.max(untouchedMs, 0);
    this.#inFlight.set(
      name,
      this.#take(name).finally(() => {
        this.#inFlight.delete(name);
        this.#wake();
      }),
    );
    return this.#options.rescanMs;
  }

  /** Never throws. */
  async #take(name: string): Promise<void> {
    const path = join(this.#options.folder, name);
    try {
      const stats = await lstat(path);
      const known = this.#unmoved.get(name);
      const outcome =
        known !== undefined && isSame(known.file, stats) ? known.outcome : await this.#journey(path, name, stats);
      if (outcome.kind === "unavailable") {
        this.#delay(name, outcome.code);
        return;
      }
      this.#unmoved.set(name, { file: stats, outcome });
      await this.#putAway(name, stats, outcome);
      this.#unmoved.delete(name);
    } catch (error) {
      this.#delay(name, errorCode(error));
    }
  }

  async #journey(path: string, name: string, stats: Stats): Promise<Outcome | Settled> {
    try {
      refuseOddEntry(stats, name);
      const bytes = await readImageFile(path, this.#options.maxFileBytes);
      return await this.#parts.process({
        id: idOf(name, stats, bytes),
        bytes,
        reference: name,
        mode: this.#options.mode,
      });
    } catch (error) {
      if (!(error instanceof IngestError) || MAY_PASS.has(error.code)) throw error;
      return { kind: "refused", fileDigest: null, code: error.code, message: error.message };
    }
  }

  async #putAway(name: string, file: Stats, outcome: Settled): Promise<void> {
    if (outcome.kind !== "refused") {
      await this.#move(name, PROCESSED, file);
      return;
    }
    const { fileDigest, code, message } = outcome;
    const refusal: Refusal = { reference: name, fileDigest, code, message };
    const place = await this.#move(name, QUARANTINE, file);
    this.#parts.refused(refusal);
    const reason = { ...refusal, utc: new Date(this.#parts.nowMs()).toISOString() };
    // Whole or not at all: whoever watches the folder never reads half a reason.
    const { hidden, shown } = reasonFiles(place);
    await writeFile(hidden, `${JSON.stringify(reason, null, 2)}\n`);
    await rename(hidden, shown);
  }

  #delay(name: string, code: string): void {
    this.#retryAtMs.set(name, this.#parts.nowMs() + this.#options.retryMs);
    if (!this.#stopped) this.#parts.delayed(code);
  }

  /**
   * Renames into one of our own folders; a name that is taken there gets a number.
   *
   * A film that was put in under the same name meanwhile is another film: it goes back into the inbox.
   * @returns the new path
   */
  async #move(name: string, folder: string, file: Stats): Promise<string> {
    const into = join(this.#options.folder, folder);
    await mkdir(into, { recursive: true });
    const place = await freePlace(into, name);
    await rename(join(this.#options.folder, name), place);
    this.#seen.delete(name);
    this.#present.delete(name);
    if (!isSame(file, await lstat(place))) await rename(place, await freePlace(this.#options.folder, name));
    return place;
  }
}
