/**
 * The inbox folder: files that are put into it become image requests.
 *
 * A file is taken once it has kept its size and time for `settleMs`; renaming a complete file into the folder is
 * the safe way to put one in. What was processed goes to `processed/` in the inbox, what was refused to `quarantine/`
 * with a `.reason.json` beside it, both encrypted and under names that tell nothing. A file that cannot be served now stays where it is and is tried again, so nothing is
 * lost when the appliance stops, and everything that waits is found again at the next start.
 *
 * What is known of `film.png` may stand in `film.png.json`, which goes where its image goes. It must be there first, or
 * the image may be taken without it.
 */
import { type FSWatcher, mkdirSync, type Stats, watch } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, errorMessage } from "../base/error.ts";
import type { Vault } from "../base/vault.ts";
import type { Outcome } from "../pipeline/pipeline.ts";
import type { ImageRequest, Mode } from "../pipeline/request.ts";
import { inOrderOfArrival } from "./arrival.ts";
import { type IngestCode, IngestError } from "./error.ts";
import { type Departing, Keeper, PRIVATE_FOLDER, PROCESSED, QUARANTINE, REASON_ENDING, writeWhole } from "./keeper.ts";
import { idOf, isSame } from "./places.ts";
import { readImageFile, refuseOddEntry } from "./read.ts";
import { imageOf, isSidecar, readSidecar, sidecarOf, statsOf } from "./sidecar.ts";
import { type Now, Stillness } from "./stillness.ts";

export interface InboxOptions {
  readonly folder: string;
  readonly mode: Mode;
  /** A file is complete when size and time have not changed for this long. */
  readonly settleMs: number;
  /** Folder changes are watched; this is for the ones that the watch misses. */
  readonly rescanMs: number;
  /** How long a file that could not be served waits for its next try. */
  readonly retryMs: number;
  /** How long a sidecar waits for its image: later, another image of that name might be taken for it. */
  readonly aloneMs: number;
  readonly maxFileBytes: number;
  /** Images under way at once. */
  readonly maxInFlight: number;
  /** What becomes of a file that has its result; one that was refused is always kept. */
  readonly keep: "encrypted" | "none";
}

/** Why an entry is in quarantine. */
export interface Refusal {
  /** The same for the same file. */
  readonly id: string;
  readonly reference: string;
  readonly fileDigest: string | null;
  readonly code: string;
  readonly message: string;
}

export interface InboxParts {
  process(request: ImageRequest): Promise<Outcome>;
  utcMs(): number;
  /** False while the clock is known to be wrong. */
  timeTrusted(): boolean;
  monotonicMs(): number;
  /** Resolves once that is durable; until then the file stays where it is. */
  refused(refusal: Refusal): Promise<void>;
  /** A file waits because of `code`; called once a try. No name: it may be a patient's. */
  delayed(code: string): void;
  /** Why no image is taken now; null, or absent, where they are. */
  refusal?(): string | null;
  /** A file of so many bytes was put away in this folder. */
  kept?(folder: string, sizeBytes: number): void;
  readonly vault: Vault;
}

type Unnamed = Omit<Refusal, "reference" | "id">;
type Settled = Extract<Outcome, { kind: "result" | "known" }> | ({ readonly kind: "refused" } & Unnamed);

/** What became of a file that could not be moved away: its journey is over, only the move is tried again. */
interface Unmoved {
  readonly file: Stats;
  readonly outcome: Settled;
  /** The one that was read. */
  readonly sidecar: Stats | undefined;
  readonly id: string;
}

interface Journey {
  readonly id: string;
  readonly outcome: Outcome | Settled;
}

/** The file may be whole, or there again, at the next look. */
const MAY_PASS: ReadonlySet<IngestCode> = new Set(["INGEST_CHANGED", "INGEST_MISSING"]);

/** Names that a copy in progress or a person's file manager leaves, never taken as images. */
const IGNORED = /^\.|\.(part|partial|tmp|crdownload)$|~$/i;

/** In place of the bytes of what is refused unread. */
const UNREAD = new Uint8Array();

/** Within the inbox, so that moving a file there is always a rename on one file system. */
const OWN_FOLDERS: readonly string[] = [PROCESSED, QUARANTINE];

export class Inbox {
  readonly #options: InboxOptions;
  readonly #parts: InboxParts;
  readonly #stillness: Stillness;
  readonly #keeper: Keeper;
  readonly #retryAtMs = new Map<string, number>();
  readonly #unmoved = new Map<string, Unmoved>();
  readonly #inFlight = new Map<string, Promise<void>>();
  /** The folder's images at the last look. */
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
    this.#stillness = new Stillness(options.folder);
    const { folder, maxFileBytes } = options;
    const { vault, utcMs, timeTrusted } = parts;
    const kept = parts.kept?.bind(parts);
    this.#keeper = new Keeper({ inbox: folder, maxFileBytes, vault, utcMs, timeTrusted, kept });
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
      for (const name of OWN_FOLDERS) await this.#keeper.recover(join(folder, name));
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
    const isNew = this.#backlog.length === 0;
    if (isNew) await this.#list();
    if (this.#backlog.length > 0 && this.#isClosed()) return this.#options.rescanMs;
    if (isNew) this.#backlog = await inOrderOfArrival(this.#options.folder, this.#backlog, () => !this.#stopped);
    let nextMs = this.#options.rescanMs;
    while (this.#inFlight.size < this.#options.maxInFlight && !this.#stopped) {
      const name = this.#backlog.shift();
      if (name === undefined) break;
      if (!this.#inFlight.has(name)) nextMs = Math.min(nextMs, await this.#consider(name));
    }
    return nextMs;
  }

  /** Nothing is read while its result might find no room. */
  #isClosed(): boolean {
    const refusal = this.#parts.refusal?.() ?? null;
    if (refusal === null) return false;
    this.#backlog = [];
    this.#parts.delayed(refusal);
    return true;
  }

  /** A folder that has gone is made again, and watched again. */
  async #list(): Promise<void> {
    const { folder } = this.#options;
    try {
      if (this.#trouble !== null) this.#prepare(folder);
      const names = await readdir(folder);
      this.#backlog = names.filter((name) => !IGNORED.test(name) && !OWN_FOLDERS.includes(name));
      this.#present = new Set(this.#backlog.filter((name) => !isSidecar(name)));
      this.#forget(new Set(this.#backlog));
      this.#trouble = null;
    } catch (error) {
      if (this.#trouble === null) this.#parts.delayed("INGEST_INBOX");
      this.#trouble = errorCode(error);
    }
  }

  #prepare(folder: string): void {
    this.#watcher?.close();
    for (const name of OWN_FOLDERS) mkdirSync(join(folder, name), { recursive: true, mode: PRIVATE_FOLDER });
    this.#watcher = watch(folder, () => this.#wake());
    this.#watcher.on("error", () => {});
  }

  #forget(present: ReadonlySet<string>): void {
    this.#stillness.forgetAllBut(present);
    for (const name of this.#retryAtMs.keys()) if (!present.has(name)) this.#retryAtMs.delete(name);
    for (const name of this.#unmoved.keys()) if (!present.has(name)) this.#unmoved.delete(name);
  }

  /** Takes the entry, or says in how many ms it may be ready. */
  async #consider(name: string): Promise<number> {
    const now = { utcMs: this.#parts.utcMs(), monotonicMs: this.#parts.monotonicMs() };
    const retryInMs = (this.#retryAtMs.get(name) ?? 0) - now.monotonicMs;
    if (retryInMs > 0) return retryInMs;
    const readyInMs = await (isSidecar(name) ? this.#aloneInMs(name, now) : this.#settledInMs(name, now));
    if (readyInMs > 0) return readyInMs;
    this.#inFlight.set(
      name,
      this.#take(name).finally(() => {
        this.#inFlight.delete(name);
        this.#wake();
      }),
    );
    return this.#options.rescanMs;
  }

  /** In how many ms the image, and what is said of it, will have kept still for long enough. */
  async #settledInMs(name: string, now: Now): Promise<number> {
    const { settleMs, rescanMs } = this.#options;
    const imageMs = await this.#stillness.untouchedMs(name, now);
    if (imageMs === undefined) return rescanMs;
    const sidecarMs = (await this.#stillness.untouchedMs(sidecarOf(name), now)) ?? imageMs;
    const quietMs = Math.min(imageMs, sidecarMs);
    return quietMs < settleMs ? settleMs - Math.max(quietMs, 0) : 0;
  }

  /** In how many ms a sidecar will have waited in vain: what it says must not meet another image of that name. */
  async #aloneInMs(name: string, { monotonicMs }: Now): Promise<number> {
    const { aloneMs, folder, rescanMs } = this.#options;
    const image = imageOf(name);
    if (this.#inFlight.has(image)) return rescanMs;
    const waitedMs = await this.#stillness.watchedMs(name, monotonicMs);
    const isAlone = (await statsOf(join(folder, image)).catch(() => undefined)) === undefined;
    return waitedMs !== undefined && isAlone ? aloneMs - waitedMs : rescanMs;
  }

  /** Never throws. */
  async #take(name: string): Promise<void> {
    const path = join(this.#options.folder, name);
    try {
      const stats = await lstat(path);
      const known = this.#unmoved.get(name);
      const again = known !== undefined && isSame(known.file, stats) ? known : undefined;
      const sidecar = again === undefined ? await statsOf(sidecarOf(path)) : again.sidecar;
      const { id, outcome } = again ?? (await this.#journey(path, name, stats, sidecar));
      if (outcome.kind === "unavailable") {
        this.#delay(name, outcome.code);
        return;
      }
      const unmoved: Unmoved = { file: stats, outcome, sidecar, id };
      this.#unmoved.set(name, unmoved);
      await this.#putAway(name, unmoved);
      this.#unmoved.delete(name);
    } catch (error) {
      this.#delay(name, errorCode(error));
    }
  }

  async #journey(path: string, name: string, stats: Stats, sidecar: Stats | undefined): Promise<Journey> {
    const { vault } = this.#parts;
    let id = idOf(vault, name, stats, UNREAD, sidecar);
    try {
      refuseOddEntry(stats, name);
      if (isSidecar(name)) throw new IngestError("INGEST_METADATA_ALONE", `${name} has no image beside it`);
      const bytes = await readImageFile(path, this.#options.maxFileBytes);
      id = idOf(vault, name, stats, bytes, sidecar);
      const stated = sidecar === undefined ? {} : await readSidecar(path);
      const { mode } = this.#options;
      return { id, outcome: await this.#parts.process({ id, bytes, reference: name, mode, stated }) };
    } catch (error) {
      if (!(error instanceof IngestError) || MAY_PASS.has(error.code)) throw error;
      const message = withoutName(error.message, name);
      return { id, outcome: { kind: "refused", fileDigest: null, code: error.code, message } };
    }
  }

  async #putAway(name: string, { file, outcome, sidecar, id }: Unmoved): Promise<void> {
    const folder = join(this.#options.folder, outcome.kind === "refused" ? QUARANTINE : PROCESSED);
    const image: Departing = { name, file, folder, id };
    const beside = sidecar && { name: sidecarOf(name), file: sidecar, folder, id: sidecarOf(id) };
    const isKept = outcome.kind === "refused" || this.#options.keep === "encrypted";
    const goes = !isKept || (await this.#keeper.keep(image));
    const besideGoes =
      goes && beside !== undefined && (!isKept || (await this.#keeper.keep(beside).catch(() => false)));
    if (outcome.kind === "refused") {
      if (goes) await this.#explain(image, outcome);
      const { fileDigest, code, message } = outcome;
      // Before the file goes: killed in between, it is found again and told of again, under the same id.
      await this.#parts.refused({ id, reference: name, fileDigest, code, message });
    }
    // Else another file stands there by now, to be taken like any; the one that was dealt with is gone.
    if (!goes) return;
    // The image first: without what was said of it, it would be another request.
    await this.#remove(image);
    // A sidecar that stays behind is found alone, and named.
    if (besideGoes && beside !== undefined) await this.#remove(beside).catch(() => {});
  }

  async #explain({ folder, id }: Departing, { fileDigest, code, message }: Unnamed): Promise<void> {
    const reason = { code, message, fileDigest, utc: new Date(this.#parts.utcMs()).toISOString() };
    const text = `${JSON.stringify(reason, null, 2)}\n`;
    await writeWhole(folder, `${id}${REASON_ENDING}`, Buffer.from(text));
  }

  async #remove(departing: Departing): Promise<void> {
    await this.#keeper.remove(departing);
    this.#stillness.forget(departing.name);
    this.#present.delete(departing.name);
  }

  #delay(name: string, code: string): void {
    this.#retryAtMs.set(name, this.#parts.monotonicMs() + this.#options.retryMs);
    if (!this.#stopped) this.#parts.delayed(code);
  }
}

/** A file's name may be a patient's: of what is said of a refused one, nothing repeats it. */
function withoutName(message: string, name: string): string {
  const sidecar = sidecarOf(name);
  if (message.startsWith(sidecar)) return `its sidecar${message.slice(sidecar.length)}`;
  return message.startsWith(name) ? `the file${message.slice(name.length)}` : message;
}
