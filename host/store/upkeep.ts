/** The store's upkeep: what the retention policy removes, and what a change of keys leaves to do. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { translated } from "./database.ts";
import type { GroupCommit } from "./group-commit.ts";
import { Pruner, type Removable, type Removed } from "./pruner.ts";
import { Resealer } from "./resealer.ts";
import type { Rows } from "./rows.ts";
import { Untimed } from "./untimed.ts";

/** Rows that one transaction removes or changes: the event loop waits for them. */
export const SLICE_ROWS = 256;

const SITE_KEY = "siteKeyId";

export interface UpkeepParts {
  readonly path: string;
  readonly db: DatabaseSync;
  readonly rows: Rows;
  readonly group: GroupCommit;
  readonly utcMs: () => number;
  /** Hears where SQLite finds the file damaged; must not throw. */
  readonly damaged: () => void;
  /** Messages were taken out of the outbox, in this transaction. */
  readonly removed: (messages: Removed) => void;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #pruner: Pruner;
  readonly #resealer: Resealer;
  readonly #untimed: Untimed;
  readonly #meta: StatementSync;
  readonly #setMeta: StatementSync;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#meta = parts.db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#setMeta = parts.db.prepare(
      "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    );
    this.#pruner = new Pruner(parts.db);
    this.#resealer = new Resealer(parts.db, parts.rows);
    this.#untimed = new Untimed(parts.db);
  }

  /**
   * What may be removed now: nothing that waits for its delivery or its seal. Looks at so many at a time that nobody
   * waits for it.
   *
   * @param results whether to look for results, and not only at the ledger
   * @throws StoreError
   */
  removable(results = true): Removable {
    return this.#read(() => this.#pruner.facts(results));
  }

  /**
   * Removes up to `SLICE_ROWS` results of a sealed batch, with their commitments; the batch and its seal stay.
   * @returns how many; fewer where none of the batch is left
   * @throws StoreError
   */
  pruneBatch(batch: number): Promise<number> {
    const { group, utcMs } = this.#parts;
    return group.run(() => this.#pruner.batch(batch, utcMs(), SLICE_ROWS));
  }

  /** Removes up to `SLICE_ROWS` delivered results that were never bound, oldest first. @returns how many @throws StoreError */
  pruneUnbound(throughUtcMs: number): Promise<number> {
    return this.#parts.group.run(() => this.#pruner.unbound(throughUtcMs, SLICE_ROWS));
  }

  /** Removes up to `SLICE_ROWS` of the oldest seals, those whose results are gone. @returns how many @throws StoreError */
  async pruneLedger(): Promise<number> {
    try {
      return await this.#parts.group.run(() => this.#pruner.ledger(SLICE_ROWS));
    } catch (error) {
      this.#pruner.recount();
      throw error;
    }
  }

  /** Removes up to `SLICE_ROWS` waiting messages of a topic that tell of no result. @returns how many @throws StoreError */
  async ageMessages(topic: string, beforeUtcMs: number): Promise<number> {
    const { rows } = await this.#parts.group.run(() => {
      const removed = this.#pruner.messages(topic, beforeUtcMs, SLICE_ROWS);
      this.#parts.removed(removed);
      return removed;
    });
    return rows;
  }

  /** There is something whose time is not known: nothing may be removed for its age. @throws StoreError */
  get isUntimed(): boolean {
    return this.#read(() => this.#untimed.isAny);
  }

  /** Nobody knows the time now: notes from where on. @throws StoreError */
  async timeUnknown(): Promise<void> {
    if (!this.isUntimed) await this.#parts.group.run(() => this.#untimed.begin());
  }

  /**
   * The time is known now: what was stored while it was not counts as from now, up to `SLICE_ROWS` at a time.
   * @returns how many were looked at; 0 where all has a time @throws StoreError
   */
  async timeKnown(): Promise<number> {
    const { group, utcMs } = this.#parts;
    if (this.isUntimed) return group.run(() => this.#untimed.settle(utcMs(), SLICE_ROWS));
    this.#read(() => this.#untimed.mark());
    return 0;
  }

  /**
   * Notes the id of the key that references leave under.
   * @returns the id that was noted before, where it was another; else null
   * @throws StoreError
   */
  noteSiteKey(id: string): Promise<string | null> {
    return this.#parts.group.run(() => {
      const before = this.#meta.get(SITE_KEY)?.value;
      if (before !== id) this.#setMeta.run(SITE_KEY, id);
      return before === undefined || before === id ? null : String(before);
    });
  }

  /** Rows that another key than the current one encrypted. @throws StoreError */
  get toReseal(): number {
    return this.#read(() => this.#resealer.remaining);
  }

  /** Encrypts up to `SLICE_ROWS` of them with the current key. @returns how many were tried @throws StoreError */
  async reseal(): Promise<number> {
    try {
      return await this.#parts.group.run(() => this.#resealer.reseal(SLICE_ROWS));
    } catch (error) {
      this.#resealer.again();
      throw error;
    }
  }

  #read<T>(read: () => T): T {
    return translated(this.#parts.path, read, this.#parts.damaged);
  }
}
