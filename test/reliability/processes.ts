/** What a process and all its children hold, as Linux counts it, and what its databases take. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export interface Holding {
  readonly rssMiB: number;
  readonly openFiles: number;
}

/** The process itself first. One that has just ended is not there. */
export function familyOf(pid: number): number[] {
  const children = look(() =>
    readdirSync(`/proc/${pid}/task`).flatMap((task) => numbers(`/proc/${pid}/task/${task}/children`)),
  );
  return [pid, ...(children ?? []).flatMap(familyOf)];
}

export function holdingOf(pids: readonly number[]): Holding {
  const each = pids.flatMap((pid) => {
    const holding = look(() => {
      const rssKiB = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
      return { rssMiB: rssKiB / 1024, openFiles: readdirSync(`/proc/${pid}/fd`).length };
    });
    return holding === undefined ? [] : [holding];
  });
  const sum = (of: (holding: Holding) => number) => each.reduce((total, holding) => total + of(holding), 0);
  return { rssMiB: sum(({ rssMiB }) => rssMiB), openFiles: sum(({ openFiles }) => openFiles) };
}

/** Results, outbox, ledger and caches with their journals. Kept films are tidied every ten minutes, and are not in it. */
export function databasesMiB(folder: string): number {
  const bytes = readdirSync(folder)
    .filter((name) => /\.db(-wal|-shm)?$/.test(name))
    .map((name) => look(() => statSync(join(folder, name)).size) ?? 0)
    .reduce((sum, size) => sum + size, 0);
  return bytes / 2 ** 20;
}

const numbers = (path: string) => readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number);

/** Processes and files go while they are looked at. */
function look<T>(at: () => T): T | undefined {
  try {
    return at();
  } catch {
    return undefined;
  }
}
