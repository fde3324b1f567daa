/**
 * Walks through a long list a little at a time, for the first entry that may go: looking costs the same, however much
 * waits. What was passed over is looked at again once the end was reached, and now and then: what may go need not be gone
 * soon, and would hide what is before it.
 */
import type { StatementSync } from "node:sqlite";
import type { Row } from "./rows.ts";

interface Place {
  readonly utcMs: number;
  readonly number: number;
}

/** In looks. */
const AGAIN_EVERY = 360;
const START: Place = { utcMs: Number.MIN_SAFE_INTEGER, number: 0 };

export class Walk {
  readonly #page: StatementSync;
  readonly #most: number;
  #from = START;
  #looks = 0;

  /**
   * @param page entries from :utcMs and :number on, in the order of both, at most :most; each with utcMs, number, and 1 as
   *   `free` where it may go
   */
  constructor(page: StatementSync, most: number) {
    this.#page = page;
    this.#most = most;
  }

  /** Where the next look begins: nothing before it was free. */
  get from(): Place {
    return this.#from;
  }

  /** There is more to look at before all was seen. */
  get isUnderWay(): boolean {
    return this.#from !== START;
  }

  /** The first that may go, of the next few; undefined where none of them may. */
  look(): Row | undefined {
    if (++this.#looks % AGAIN_EVERY === 0) this.#from = START;
    let [seen, last] = [0, START];
    for (const row of this.#page.iterate({ ...this.#from, most: this.#most })) {
      const place = { utcMs: Number(row.utcMs), number: Number(row.number) };
      if (row.free === 1) {
        this.#from = place;
        return row;
      }
      [seen, last] = [seen + 1, { ...place, number: place.number + 1 }];
    }
    this.#from = seen < this.#most ? START : last;
    return undefined;
  }
}
