/**
 * Real time from 0, some of which can be left out: what falls due meanwhile is done at once, in order.
 *
 * In a timer it is the moment at which the timer was due, however late it was called. So the host does the same when a
 * recording is played back under a clock that is turned, and its ticks do not drift.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../host/device/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly fn: () => void;
  handle: NodeJS.Timeout | undefined;
}

export class PassingClock implements Clock {
  readonly #timers = new Set<Timer>();
  #offsetMs = -performance.now();
  /** The latest that it ever said. */
  #saidMs = 0;
  #inTimer = false;

  nowMs(): number {
    if (!this.#inTimer) this.#saidMs = Math.max(this.#saidMs, this.#realMs());
    return this.#saidMs;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer: Timer = { dueMs: this.nowMs() + Math.max(delayMs, 0), fn, handle: undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => this.#drop(timer);
  }

  /** Leaves `ms` out. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs() + ms;
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#skipTo(next.dueMs);
      this.#fire(next);
      await turn();
    }
    this.#skipTo(endMs);
    for (const timer of this.#timers) this.#arm(timer);
  }

  /** Ends all timers. */
  close(): void {
    for (const timer of [...this.#timers]) this.#drop(timer);
  }

  #realMs(): number {
    return performance.now() + this.#offsetMs;
  }

  #skipTo(ms: number): void {
    this.#offsetMs += Math.max(ms - this.#realMs(), 0);
  }

  #next(endMs: number): Timer | undefined {
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs);
    return due.sort((a, b) => a.dueMs - b.dueMs)[0];
  }

  #arm(timer: Timer): void {
    clearTimeout(timer.handle);
    timer.handle = setTimeout(() => this.#fire(timer), timer.dueMs - this.#realMs());
  }

  #drop(timer: Timer): void {
    clearTimeout(timer.handle);
    this.#timers.delete(timer);
  }

  #fire(timer: Timer): void {
    if (!this.#timers.has(timer)) return;
    this.#drop(timer);
    this.#saidMs = Math.max(this.#saidMs, timer.dueMs);
    this.#inTimer = true;
    try {
      timer.fn();
    } finally {
      this.#inTimer = false;
    }
  }
}
