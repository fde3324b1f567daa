/** One appliance a data folder: the operating system takes the lock back when its holder ends, however it ends. */
import { DatabaseSync } from "node:sqlite";
import { errorMessage } from "../base/error.ts";
import { StoreError } from "./errors.ts";

const SQLITE_BUSY = 5;

export class FolderLock {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** @throws StoreError STORE_IN_USE, STORE_OPEN */
  static take(path: string): FolderLock {
    try {
      const db = new DatabaseSync(path, { timeout: 0 });
      // SQLite's own file locking, held for life: Node has no flock, and a file with a pid outlives a crash.
      db.exec("BEGIN EXCLUSIVE");
      return new FolderLock(db);
    } catch (error) {
      const busy = error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
      throw new StoreError(busy ? "STORE_IN_USE" : "STORE_OPEN", `${path}: ${errorMessage(error)}`, { cause: error });
    }
  }

  /** Idempotent. */
  release(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
