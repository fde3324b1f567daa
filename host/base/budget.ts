/**
 * How often something that fails may be started again: so many times in a row, and once more for every `everyMs` that
 * goes by. What is beyond that waits, so that a thing that cannot work does not keep the machine busy. Pure.
 */

export interface BudgetLimits {
  /** Restarts in a row, ≥ 1. */
  readonly most: number;
  /** Each is to be had again after this long, in ms. */
  readonly everyMs: number;
}

export class RestartBudget {
  readonly #limits: BudgetLimits;
  #left: number;
  #countedMs = 0;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
    this.#left = limits.most;
  }

  /** @returns how long to wait for the restart that is taken hereby, in ms; 0 while the budget lasts */
  take(nowMs: number): number {
    const { most, everyMs } = this.#limits;
    this.#left = Math.min(most, this.#left + (nowMs - this.#countedMs) / everyMs) - 1;
    this.#countedMs = nowMs;
    return Math.max(0, Math.ceil(-this.#left * everyMs));
  }
}
