/**
 * How fast a miner really is, from the shares that were verified.
 *
 * The wait for a share is exponential, its mean proportional to the difficulty: the sum of waits over the sum of
 * difficulties is its best estimate, here over about the last 64 shares.
 */

const MEMORY = 64;
/** Fewer say little: the estimate of 8 is off by a third. */
const LEAST_SHARES = 8;
/** A longer wait is no chance (once in 500 million shares) but a pause: it counts as this long. */
const LONGEST_MEANS = 20;
const HASHES_OF_DIFFICULTY_1 = 2 ** 32;

export class ShareTimes {
  #shares = 0;
  #waitedMs = 0;
  #difficulty = 0;

  get shares(): number {
    return this.#shares;
  }

  /** @param waitedMs since the share before it, or since the miner got its first job */
  add(waitedMs: number, difficulty: number): void {
    const keep = 1 - 1 / MEMORY;
    const longestMs = LONGEST_MEANS * (this.meanMs(difficulty) ?? Number.POSITIVE_INFINITY);
    this.#shares += 1;
    this.#waitedMs = this.#waitedMs * keep + Math.min(waitedMs, longestMs);
    this.#difficulty = this.#difficulty * keep + difficulty;
  }

  /** Mean wait for a share of this difficulty, in ms; null after fewer than 8 shares. */
  meanMs(difficulty: number): number | null {
    return this.#shares < LEAST_SHARES ? null : (this.#waitedMs / this.#difficulty) * difficulty;
  }

  /** Hashes a second; null after fewer than 8 shares. */
  get hashrate(): number | null {
    const meanMs = this.meanMs(1);
    return meanMs === null || meanMs === 0 ? null : (HASHES_OF_DIFFICULTY_1 * 1000) / meanMs;
  }
}
