/**
 * A connection's difficulty, so that a fast miner does not flood and a slow one is still heard.
 *
 * Powers of two, as the ASIC's own filter has. It changes only where the shares are off by more than 2.5 times: with
 * 16 shares to judge by, chance alone hardly gets there.
 */

export interface VardiffOptions {
  /** What it starts with, and never goes below. */
  readonly least: number;
  readonly most: number;
  /** The mean time between shares that is aimed at, in ms. */
  readonly shareEveryMs: number;
}

const SHARES = 16;
const TOLERANCE = 2.5;
/** A burst that waited in a buffer looks faster than it was. */
const MOST_STEP = 16;
/** So many expected shares without being judged by 16: the miner is slower than its difficulty. */
const SLOW_SHARES = 40;

function powerOfTwoBelow(value: number): number {
  return 2 ** Math.floor(Math.log2(value));
}

export class Vardiff {
  readonly #options: VardiffOptions;
  #difficulty: number;
  #sinceMs: number;
  #shares = 0;

  constructor(options: VardiffOptions, nowMs: number) {
    this.#options = options;
    this.#difficulty = options.least;
    this.#sinceMs = nowMs;
  }

  get difficulty(): number {
    return this.#difficulty;
  }

  /** An accepted share of the present difficulty. @returns whether the difficulty changed */
  share(nowMs: number): boolean {
    this.#shares += 1;
    return this.#shares >= SHARES && this.#judge(nowMs);
  }

  /** From time to time. @returns whether the difficulty changed */
  tick(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= SLOW_SHARES * this.#options.shareEveryMs && this.#judge(nowMs);
  }

  #judge(nowMs: number): boolean {
    const { least, most, shareEveryMs } = this.#options;
    const elapsedMs = Math.max(nowMs - this.#sinceMs, 1);
    // Half a share more: nothing at all must not lead to nothing.
    const off = ((this.#shares + 0.5) * shareEveryMs) / elapsedMs;
    this.#sinceMs = nowMs;
    this.#shares = 0;
    if (off < TOLERANCE && off > 1 / TOLERANCE) return false;
    const wanted = powerOfTwoBelow(this.#difficulty * Math.min(off, MOST_STEP));
    const next = Math.min(Math.max(wanted, least), most);
    const changed = next !== this.#difficulty;
    this.#difficulty = next;
    return changed;
  }
}
