/**
 * When a miner that strayed is restarted, so that it tries this host's pool first: a pure state machine.
 *
 * ESP-Miner looks for its first pool by itself while it works for its second, and comes back. Older forks stay where
 * they are until they restart. A miner that cannot come back (a firewall) is not restarted for ever: each restart
 * without a return doubles the wait for the next one, up to a day. One that its owner has set to another pool is left
 * to its owner; one that does not tell to which pool it is set is restarted once.
 */

export interface Stray {
  /** Since when it works for someone else, without a break; null while it does not. */
  readonly sinceMs: number | null;
  readonly lastRestartMs: number | null;
  /** Restarts since it was last seen at our pool. */
  readonly restarts: number;
}

export interface StraySight {
  /** On a clock that never goes back. */
  readonly nowMs: number;
  /** Whether our pool can be worked for. */
  readonly listening: boolean;
  /** Whether it has a connection to our pool. */
  readonly connected: boolean;
  /** Whether its first pool is set to its worker name at ours; null where it does not tell. */
  readonly ours: boolean | null;
  /** Whether it says that it works for its second pool, or hashes for whomever. */
  readonly worksElsewhere: boolean;
}

export const NOT_STRAYED: Stray = { sinceMs: null, lastRestartMs: null, restarts: 0 };

const MINUTE_MS = 60_000;
const STRAYED_MS = 5 * MINUTE_MS;
const BETWEEN_MS = 30 * MINUTE_MS;
const BETWEEN_MOST_MS = 24 * 60 * MINUTE_MS;

/** A restart that is due counts as made, whatever becomes of it. */
export function watchStray(stray: Stray, sight: StraySight): { readonly stray: Stray; readonly restart: boolean } {
  const { nowMs } = sight;
  if (sight.connected) return { stray: { ...stray, sinceMs: null, restarts: 0 }, restart: false };
  if (!sight.listening || !sight.worksElsewhere || isLeftAlone(stray, sight)) {
    return { stray: { ...stray, sinceMs: null }, restart: false };
  }
  const sinceMs = stray.sinceMs ?? nowMs;
  const betweenMs = Math.min(BETWEEN_MS * 2 ** Math.max(0, stray.restarts - 1), BETWEEN_MOST_MS);
  const rested = stray.lastRestartMs === null || nowMs - stray.lastRestartMs >= betweenMs;
  if (nowMs - sinceMs < STRAYED_MS || !rested) return { stray: { ...stray, sinceMs }, restart: false };
  return { stray: { sinceMs: null, lastRestartMs: nowMs, restarts: stray.restarts + 1 }, restart: true };
}

/** Whether it is set to another pool; null: not known. Of one that does not tell, a restart in vain tells. */
export function isElsewhere(stray: Stray, sight: StraySight): boolean | null {
  if (sight.connected || sight.ours === true) return false;
  if (!sight.listening) return null;
  return sight.ours === false || (sight.worksElsewhere && isLeftAlone(stray, sight)) ? true : null;
}

function isLeftAlone({ restarts }: Stray, { ours }: StraySight): boolean {
  return ours === false || (ours === null && restarts > 0);
}
