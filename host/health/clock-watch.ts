/** Notices that the wall clock was set: it goes otherwise than one that nobody sets. Pure. */

/** Less is a clock that is being steered, or a machine that was busy. */
const STEP_MIN_MS = 5_000;
/** Once the clock is said to be set from outside, a step is over after this long; it may have been that very setting. */
const SETTLED_MS = 600_000;
/** Where nobody says so, after this long. */
const UNKNOWN_MS = 86_400_000;

export class ClockWatch {
  #aheadMs: number | undefined;
  #steppedMs: number | undefined;

  /**
   * @param wallMs by the clock that can be set
   * @param monotonicMs by one that cannot, at the same moment
   * @returns by how much the clock was set since the last look, in ms; null where it was not
   */
  look(wallMs: number, monotonicMs: number): number | null {
    const aheadMs = wallMs - monotonicMs;
    const byMs = Math.round(aheadMs - (this.#aheadMs ?? aheadMs));
    this.#aheadMs = aheadMs;
    if (Math.abs(byMs) < STEP_MIN_MS) return null;
    this.#steppedMs = monotonicMs;
    return byMs;
  }

  /** Whether the clock was set lately, so that it cannot be told which times are right. @param synced null where nobody says */
  uncertain(synced: boolean | null, monotonicMs: number): boolean {
    if (this.#steppedMs === undefined) return false;
    return monotonicMs - this.#steppedMs < (synced === true ? SETTLED_MS : UNKNOWN_MS);
  }
}
