/** Time that passes as fast as the work in it is done: a heap of timers, and a turn of the event loop between them. */
import type { Clock } from "../../host/device/clock.ts";

const US_PER_MS = 1000;

interface Timer {
  readonly atUs: number;
  /** Of two at one time, the first set goes first. */
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

export class VirtualClock implements Clock {
  #nowUs = 0;
  #order = 0;
  #pending = 0;
  #peak = 0;
  #fired = 0;
  readonly #heap: Timer[] = [];

  /** Timers that were set and have neither fired nor been cancelled. */
  get pending(): number {
    return this.#pending;
  }

  /** The most that were pending at once. */
  get peak(): number {
    return this.#peak;
  }

  get fired(): number {
    return this.#fired;
  }

  nowMs(): number {
    return this.#nowUs / US_PER_MS;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer = { atUs: this.#nowUs + wholeUs(delayMs), order: this.#order++, fn, cancelled: false };
    this.#add(timer);
    this.#pending += 1;
    this.#peak = Math.max(this.#peak, this.#pending);
    return () => {
      if (timer.cancelled) return;
      timer.cancelled = true;
      this.#pending -= 1;
    };
  }

  /** Moves on, timer by timer, until `done` or this time. @returns whether it is done */
  async run(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    const untilUs = wholeUs(untilMs);
    await turn();
    while (!done()) {
      const next = this.#next(untilUs);
      if (next === undefined) {
        this.#nowUs = Math.max(this.#nowUs, untilUs);
        return done();
      }
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      this.#fired += 1;
      next.fn();
      await turn();
    }
    return true;
  }

  #next(untilUs: number): Timer | undefined {
    for (let [first] = this.#heap; first !== undefined; [first] = this.#heap) {
      if (!first.cancelled && first.atUs > untilUs) return undefined;
      this.#removeFirst();
      if (first.cancelled) continue;
      // A timer that has fired cannot be cancelled any more.
      first.cancelled = true;
      this.#pending -= 1;
      return first;
    }
    return undefined;
  }

  #add(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !isBefore(timer, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = timer;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      const left = heap[down];
      const right = heap[down + 1];
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? down + 1 : down;
      const least = heap[child];
      if (least === undefined || !isBefore(least, last)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.atUs < other.atUs || (one.atUs === other.atUs && one.order < other.order);
}

/** A delay that is more than none moves the clock: else what waits for the rest of it would wait for ever. */
function wholeUs(ms: number): number {
  return Math.max(0, Math.ceil(ms * US_PER_MS));
}

/** All that is due by itself happens: promises, ticks, and what waits for its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
