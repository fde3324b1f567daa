/** Waiting between attempts: doubled each time, capped, and spread so that a fleet does not return as one. Pure. */
export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

/**
 * @param failures attempts that failed in a row, from 1
 * @param random uniform in [0, 1)
 * @returns between half and all of `firstMs` × 2^(failures − 1), at most `capMs`
 */
export function backoffMs({ firstMs, capMs }: Backoff, failures: number, random: number): number {
  const fullMs = Math.min(capMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return fullMs * (0.5 + random / 2);
}
