/**
 * Writers of one tick share one transaction: one fsync pays for all of them.
 *
 * Each operation is atomic by itself (a savepoint): one that throws takes only its own rows with it. Nobody is
 * told that an operation succeeded before the transaction is on the disk.
 */
import type { DatabaseSync } from "node:sqlite";
import { isFileDamage, storeError } from "./database.ts";
import { StoreError } from "./errors.ts";

interface Waiting {
  readonly run: () => void;
  readonly committed: () => void;
  readonly failed: (error: Error) => void;
}

export interface GroupCommitOptions {
  readonly path: string;
  /** Operations that may wait for the next transaction. */
  readonly queueMax: number;
  /** Operations in one transaction; the rest have the next, so that the event loop gets its turn. */
  readonly groupMax: number;
  /** Runs inside each transaction before its first operation. */
  readonly onBegin: () => void;
  /** Runs when a transaction is on the disk, before anybody is told. Must not throw. */
  readonly onCommit: () => void;
  /** Runs when a transaction is undone: what memory says about the database is void. Must not read it now. */
  readonly onRollback: () => void;
  /** SQLite found the file damaged. Must not throw. */
  readonly onDamage?: () => void;
}

export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #options: GroupCommitOptions;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(db: DatabaseSync, options: GroupCommitOptions) {
    this.#db = db;
    this.#options = options;
  }

  /**
   * Runs `operation` inside the next transaction.
   * @returns what it returned, once that is durable
   * @throws what it threw; StoreError STORE_BACKLOG, STORE_CLOSED, or what made the commit fail
   */
  run<T>(operation: () => T): Promise<T> {
    const { queueMax } = this.#options;
    if (this.#closed) return Promise.reject(new StoreError("STORE_CLOSED", "the store is closed"));
    if (this.#waiting.length >= queueMax) {
      return Promise.reject(new StoreError("STORE_BACKLOG", `${queueMax} writes are waiting`));
    }
    return new Promise<T>((resolve, reject) => {
      let value: T;
      this.#waiting.push({
        run: () => {
          value = operation();
        },
        committed: () => resolve(value),
        failed: reject,
      });
      this.#timer ??= setImmediate(() => this.#turn());
    });
  }

  /** Commits what waits and takes no more. */
  close(): void {
    this.#closed = true;
    clearImmediate(this.#timer);
    while (this.#waiting.length > 0) this.#commit();
  }

  #turn(): void {
    this.#timer = undefined;
    this.#commit();
    if (this.#waiting.length > 0) this.#timer = setImmediate(() => this.#turn());
  }

  #commit(): void {
    const group = this.#waiting.splice(0, this.#options.groupMax);
    const done: Waiting[] = [];
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      this.#options.onBegin();
      for (const one of group) if (this.#runOne(one)) done.push(one);
      this.#db.exec("COMMIT");
    } catch (error) {
      const reason = storeError(this.#options.path, error);
      this.#undo();
      if (isFileDamage(error)) this.#options.onDamage?.();
      for (const one of group) one.failed(reason);
      return;
    }
    this.#options.onCommit();
    for (const one of done) one.committed();
  }

  /** @returns whether its rows are part of the transaction */
  #runOne(one: Waiting): boolean {
    this.#db.exec("SAVEPOINT one");
    try {
      one.run();
      this.#db.exec("RELEASE one");
      return true;
    } catch (error) {
      // A full disk ends the whole transaction by itself: then nothing is left to go back to.
      if (!this.#db.isTransaction) throw error;
      this.#db.exec("ROLLBACK TO one");
      this.#db.exec("RELEASE one");
      one.failed(storeError(this.#options.path, error));
      if (isFileDamage(error)) this.#options.onDamage?.();
      return false;
    }
  }

  /** Never throws: a disk that refused the commit may refuse this too, and every writer must hear of it. */
  #undo(): void {
    this.#options.onRollback();
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {
      // SQLite takes an unfinished transaction back by itself at the next one, or at the next start.
    }
  }
}
