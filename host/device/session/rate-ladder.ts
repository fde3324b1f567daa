/** Which rate a line runs at: the highest that both sides know and that carries lines unharmed (SPEC.md §5.9). Pure. */

/** The rate at which every UART device starts (SPEC §5.9). */
export const START_BAUD = 115_200;
/** What a host climbs over, highest first. */
export const HOST_RATES: readonly number[] = [921_600, 460_800, START_BAUD];
/** Fewer lines than this say nothing about a rate. */
const WINDOW_LINES = 200;
const MOST_DAMAGED = 0.01;

/** Totals since the connection began. */
export interface LineTotals {
  /** Lines that were frames, or were meant to be. */
  readonly lines: number;
  /** Those of them that the host or the device could not read. */
  readonly damaged: number;
}

export class RateLadder {
  readonly #rungs: readonly number[];
  #rate: number;
  #since: LineTotals = { lines: 0, damaged: 0 };

  /** @param rates the device's; @param rate the line's at present, which is the rung of last resort */
  constructor(rates: readonly number[], rate: number) {
    const common = HOST_RATES.filter((each) => rates.includes(each) || each === rate);
    this.#rungs = common.includes(rate) ? common : [...common, rate].sort((a, b) => b - a);
    this.#rate = rate;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Rates above the present one, highest first: to be tried in this order until one holds. */
  climb(): readonly number[] {
    return this.#rungs.filter((rung) => rung > this.#rate);
  }

  /** The line runs at `rate` now; what happened before does not count against it. */
  moved(rate: number, totals: LineTotals): void {
    this.#rate = rate;
    this.#since = totals;
  }

  /**
   * Judges the line by what it carried since the last verdict.
   *
   * @returns the rate to step down to; undefined to stay
   */
  judge(totals: LineTotals): number | undefined {
    const lines = totals.lines - this.#since.lines;
    if (lines < WINDOW_LINES) return undefined;
    const damaged = totals.damaged - this.#since.damaged;
    this.#since = totals;
    return damaged > lines * MOST_DAMAGED ? this.lower() : undefined;
  }

  /** The next rate down; undefined on the last rung. */
  lower(): number | undefined {
    return this.#rungs.find((rung) => rung < this.#rate);
  }
}
