/**
 * A private folder for the parts of a backup, keys among them, while one is made or restored. A lock that the operating
 * system takes back tells whether anybody still works in one: what a kill left is removed by the next that comes.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage } from "../../base/error.ts";
import { FolderLock } from "../../store/lock.ts";
import { BackupError } from "./error.ts";

const LOCK = "in-use";

/**
 * @param parent on the disk that the work is for
 * @param prefix of the folder's name, for nothing else
 * @throws BackupError BACKUP_FILE; what `work` throws
 */
export async function withStage<Value>(
  parent: string,
  prefix: string,
  work: (folder: string) => Promise<Value>,
): Promise<Value> {
  await removeLeft(parent, prefix);
  const folder = await mkdtemp(join(parent, prefix)).catch((cause: unknown) => {
    throw new BackupError("BACKUP_FILE", `${parent}: ${errorMessage(cause)}`, { cause });
  });
  try {
    const lock = FolderLock.take(join(folder, LOCK));
    try {
      return await work(folder);
    } finally {
      lock.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Never throws: what cannot be looked into, or is another user's, stays. */
async function removeLeft(parent: string, prefix: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((name) => name.startsWith(prefix))) {
    try {
      FolderLock.take(join(parent, name, LOCK)).release();
      await rm(join(parent, name), { recursive: true, force: true });
    } catch {
      // Somebody works in it.
    }
  }
}
