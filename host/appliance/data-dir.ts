/** The folder that everything lies in: there, for this process alone, and not half restored. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../base/error.ts";
import { StoreError } from "../store/errors.ts";
import { FolderLock } from "../store/lock.ts";
import { refuseUnfinished } from "./backup/unfinished.ts";
import { LOCK_FILE } from "./files.ts";

/** Released by the process's end too. @throws StoreError STORE_OPEN, STORE_IN_USE, and where a restore was cut short */
export function takeDataDir(path: string): FolderLock {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreError("STORE_OPEN", `${path}: ${errorMessage(error)}`, { cause: error });
  }
  const lock = FolderLock.take(join(path, LOCK_FILE));
  refuseUnfinished(path);
  return lock;
}
