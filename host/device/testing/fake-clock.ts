/** A clock that stands still until a test turns it. */
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.ts";

interface Timer {
  readonly atMs: number;
  readonly fn: () => void;
}

export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets what is already due settle, then moves on, timer by timer. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await turn();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
      await turn();
    }
    this.#nowMs = endMs;
  }

  /** Moves on until `work` has settled, at most `mostMs`. */
  async until<T>(work: Promise<T>, mostMs = 600_000): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    work.then(done, done);
    for (const endMs = this.#nowMs + mostMs; !settled && this.#nowMs < endMs; ) await this.advance(10);
    if (!settled) throw new Error(`not settled within ${mostMs} ms`);
    return work;
  }

  #next(endMs: number): Timer | undefined {
    const due = [...this.#timers].filter((timer) => timer.atMs <= endMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  }
}
