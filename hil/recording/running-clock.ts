/**
 * The clock of a bench that is measured while a tape runs along: real time that goes on, so that latencies are true. What
 * is recorded by it is evidence of what passed; the host may meet timers and chunks in another order when it is played
 * back.
 */
import { atMost, type Clock } from "../../host/device/clock.ts";
import type { TapeClock } from "./live-clock.ts";

const US_PER_MS = 1000;

export class RunningClock implements TapeClock {
  readonly #source: Clock;
  readonly #startMs: number;
  readonly #underWay = new Set<Promise<unknown>>();
  #stopped = false;

  /** @param source what it follows, from 0 on */
  constructor(source: Clock) {
    this.#source = source;
    this.#startMs = source.nowMs();
  }

  get nowUs(): number {
    return Math.floor(this.nowMs() * US_PER_MS);
  }

  nowMs(): number {
    return this.#source.nowMs() - this.#startMs;
  }

  after(delayMs: number, fn: () => void): () => void {
    return this.#source.after(delayMs, () => {
      if (!this.#stopped) fn();
    });
  }

  happened(deal: () => void): void {
    deal();
  }

  async ended<T>(work: Promise<T>, note: (outcome: { readonly error?: unknown }) => void): Promise<T> {
    this.#underWay.add(work);
    try {
      const value = await work;
      note({});
      return value;
    } catch (error) {
      note({ error });
      throw error;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async quiet(mostMs: number): Promise<void> {
    await atMost(this.#source, mostMs, Promise.allSettled(this.#underWay));
  }

  stop(): void {
    this.#stopped = true;
  }
}
