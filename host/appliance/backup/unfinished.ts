/** A mark in the data folder while a restore exchanges what lies there: cut short, it is to be done again. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "../../base/private-file.ts";
import { BackupError } from "./error.ts";

const MARK_FILE = "restore-unfinished";

/** Durable when it returns. */
export function markUnfinished(dataDir: string, setAside: string): void {
  writeFileSync(join(dataDir, MARK_FILE), `${setAside}\n`, { mode: 0o600, flush: true });
  syncFolder(dataDir);
}

/** Durable when it returns. */
export function markFinished(dataDir: string): void {
  rmSync(join(dataDir, MARK_FILE), { force: true });
  syncFolder(dataDir);
}

/** Nothing may be stored beside half of what was restored. @throws BackupError BACKUP_UNFINISHED */
export function refuseUnfinished(dataDir: string): void {
  if (existsSync(join(dataDir, MARK_FILE)))
    throw new BackupError("BACKUP_UNFINISHED", `${join(dataDir, MARK_FILE)} is there`);
}
