/**
 * The sequence numbers of results: counted up, and never one twice, also where the database is an older copy, a saved
 * remainder or a new one.
 *
 * Numbers are reserved ahead, in the database first and then in the high-water file: in normal life the database
 * knows of every reservation that the file knows of. A file that says more than the database tells of a database
 * that is not the latest; then numbering goes on above what the file says, and subscribers see a gap, which is true.
 * After a clean stop the file says the very last number. After a kill it does not, and a copy from the life that was
 * killed cannot be told from the latest.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { StoreError } from "./errors.ts";
import { HighWater } from "./high-water.ts";
import { keepLastGiven } from "./migrations.ts";

const BLOCK = 1000;
export const RESERVED = "reserved";

/** Numbering leaps where an older database took the place of the latest. */
export interface Continuation {
  /** The highest number that this database knows of. */
  readonly from: number;
  /** The next number is the one after this. */
  readonly to: number;
}

export class Numbers {
  readonly continuation: Continuation | null;
  readonly #db: DatabaseSync;
  readonly #mark: HighWater;
  readonly #last: StatementSync;
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  /** In the database, as this transaction sees it. */
  #reserved: number;
  /** A reservation of this life is durable. */
  #begun = false;
  /** Why the last reservation did not become durable. */
  #trouble: unknown;

  /**
   * Begins a new reservation, so that a copy of the database from before is known as one. Where the disk does not take
   * it, what is stored can still be read, and the next transaction tries again.
   *
   * @throws StoreError STORE_OPEN where the high-water file is there and cannot be read
   */
  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#last = db.prepare("SELECT coalesce(max(seq), 0) AS last FROM sqlite_sequence WHERE name = 'results'");
    this.#read = db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#write = db.prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    this.#mark = new HighWater(path);
    this.#reserved = this.#readReserved();
    const [from, to] = [this.#given, this.#mark.value];
    this.continuation = to > from && (this.#mark.isExact || to > this.#reserved) ? { from, to } : null;
    this.#beginNow();
  }

  /** Inside a transaction. @throws StoreError where no number is reserved: the disk does not take it */
  next(): number {
    const next = this.#given + 1;
    if (this.#begun && next <= this.#mark.value) return next;
    throw this.#trouble ?? new StoreError("STORE_IO", `result ${next} cannot be reserved beside the database`);
  }

  /** At the beginning of a transaction that gives `most` numbers, or fewer. */
  reserve(most: number): void {
    if (!this.#begun) this.#begin();
    else if (this.#given + 2 * most > this.#reserved) this.#reserveUpTo(this.#given + BLOCK);
  }

  /** Once the transaction is durable. Never throws: `next` gives no number that the file does not know of. */
  committed(): void {
    try {
      this.#mark.raise(this.#reserved);
      this.#begun = true;
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = error;
    }
  }

  /** At the beginning of a transaction, where another process or an undone one may have left other numbers. */
  reload(): void {
    this.#reserved = this.#readReserved();
    if (this.#begun) this.committed();
  }

  /**
   * At a clean stop, once the last transaction is durable. Never throws: where the disk does not take it, the file
   * goes on saying what was reserved, as after a kill.
   */
  settle(): void {
    if (!this.#begun) return;
    try {
      this.#mark.settle(this.#given);
    } catch (error) {
      this.#trouble = error;
    }
  }

  get #given(): number {
    return Number(this.#last.get()?.last);
  }

  #readReserved(): number {
    return Number(this.#read.get(RESERVED)?.value ?? 0);
  }

  #beginNow(): void {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      this.#begin();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#trouble = error;
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      this.#reserved = this.#readReserved();
      return;
    }
    this.committed();
  }

  #begin(): void {
    if (this.continuation !== null) keepLastGiven(this.#db, "results", this.continuation.to);
    this.#reserveUpTo(Math.max(this.#given + BLOCK, this.#reserved + 1));
  }

  #reserveUpTo(number: number): void {
    this.#write.run(RESERVED, number);
    this.#reserved = number;
  }
}
