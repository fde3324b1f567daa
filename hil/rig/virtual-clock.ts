/** A clock in whole microseconds that goes from one event to the next, as whoever holds it turns it. */
import type { Clock } from "../../host/device/clock.ts";

interface Timer {
  readonly dueUs: number;
  readonly fn: () => void;
}

const US_PER_MS = 1000;

export class VirtualClock implements Clock {
  #nowUs = 0;
  /** In the order in which they were set: of two that are due together, the earlier one goes first. */
  readonly #timers = new Set<Timer>();

  get nowUs(): number {
    return this.#nowUs;
  }

  nowMs(): number {
    return this.#nowUs / US_PER_MS;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer = { dueUs: this.#nowUs + Math.max(0, Math.ceil(delayMs * US_PER_MS)), fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** When the next timer is due; undefined if there is none. */
  get dueUs(): number | undefined {
    return this.#next()?.dueUs;
  }

  /** Runs the next timer, at its own time. */
  fire(): void {
    const next = this.#next();
    if (next === undefined) return;
    this.#timers.delete(next);
    this.moveTo(next.dueUs);
    next.fn();
  }

  /** Never back. Runs no timer. */
  moveTo(us: number): void {
    this.#nowUs = Math.max(this.#nowUs, us);
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.dueUs < next.dueUs) next = timer;
    return next;
  }
}
