/** Which of the files that were put away are to go: the oldest, until all limits hold. Pure. */

/** One image with what lies beside it. */
export interface Kept {
  readonly id: string;
  /** When it was put away. */
  readonly utcMs: number;
  readonly sizeBytes: number;
}

export interface KeptLimits {
  readonly maxBytes: number;
  /** Null for no limit. */
  readonly maxFiles: number | null;
  /** Null for no limit, or while the clock is not known to be right. */
  readonly maxAgeMs: number | null;
}

/** @param lackingBytes so many are to be freed besides @returns ids, the oldest first */
export function beyondLimits(
  kept: readonly Kept[],
  limits: KeptLimits,
  nowUtcMs: number,
  lackingBytes = 0,
): readonly string[] {
  const oldestFirst = kept.toSorted((a, b) => a.utcMs - b.utcMs || (a.id < b.id ? -1 : 1));
  const oldestUtcMs = limits.maxAgeMs === null ? Number.NEGATIVE_INFINITY : nowUtcMs - limits.maxAgeMs;
  let bytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const maxBytes = lackingBytes > 0 ? Math.min(limits.maxBytes, bytes - lackingBytes) : limits.maxBytes;
  let files = kept.length;
  const stays = oldestFirst.findIndex(({ utcMs, sizeBytes }) => {
    if (utcMs >= oldestUtcMs && bytes <= maxBytes && files <= (limits.maxFiles ?? files)) return true;
    bytes -= sizeBytes;
    files -= 1;
    return false;
  });
  return oldestFirst.slice(0, stays < 0 ? oldestFirst.length : stays).map(({ id }) => id);
}
