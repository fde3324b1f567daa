/** Which numbers of results are not there, between what the retention policy removed and the last that was given. */
import type { DatabaseSync } from "node:sqlite";
import type { SalvageReport } from "./rescue.ts";

export function missingNumbers(
  db: DatabaseSync,
  prunedThrough: number,
  last: number,
): Pick<SalvageReport, "lost" | "lostFrom" | "lostTo"> {
  let [lost, next] = [0, prunedThrough + 1];
  let [lostFrom, lostTo]: [number | null, number | null] = [null, null];
  const miss = (from: number, to: number) => {
    if (from > to) return;
    lost += to - from + 1;
    lostFrom ??= from;
    lostTo = to;
  };
  for (const { sequence } of db
    .prepare("SELECT sequence FROM results WHERE sequence >= ? ORDER BY sequence")
    .iterate(next)) {
    miss(next, Number(sequence) - 1);
    next = Number(sequence) + 1;
  }
  miss(next, last);
  return { lost, lostFrom, lostTo };
}
