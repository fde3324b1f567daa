/**
 * A note beside the database that SQLite found it damaged while it ran: what a look at the next start does not find, such
 * as an index that contradicts its table, is damage too.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";

/** Never throws: on a disk that does not take the note, the next start looks as it always does. */
export function suspect(path: string): void {
  try {
    writeFileSync(noteOf(path), "", { mode: 0o600, flush: true });
  } catch {
    // As above.
  }
}

export function isSuspect(path: string): boolean {
  return existsSync(noteOf(path));
}

export function clearSuspicion(path: string): void {
  rmSync(noteOf(path), { force: true });
}

function noteOf(path: string): string {
  return `${path}.suspect`;
}
