/**
 * The clock of a bench that is being recorded: real time, which stands still while something is dealt with.
 *
 * Timers and what comes from outside are taken one by one, in the order of their times, and each finds the clock at its
 * own: a timer at the moment at which it was due, however late it was called. So the host does the same when the
 * recording is played back, where nothing but these times is known.
 */
import { atMost, type Clock } from "../../host/device/clock.ts";
import { VirtualClock } from "../rig/virtual-clock.ts";

/** What a tape's times are taken from, and what the host goes by meanwhile. */
export interface TapeClock extends Clock {
  readonly nowUs: number;
  /** Something came from outside, just now: `deal` is called when everything before it was dealt with. */
  happened(deal: () => void): void;
  /** The same for the end of something that the host waits for. */
  ended<T>(work: Promise<T>, note: (outcome: { readonly error?: unknown }) => void): Promise<T>;
  /** Waits for what the host waits for, but no longer than `mostMs`. */
  quiet(mostMs: number): Promise<void>;
  /** No timer is called any more. */
  stop(): void;
}

interface Happening {
  readonly atUs: number;
  readonly deal: () => void;
}

const US_PER_MS = 1000;

export class LiveClock implements TapeClock {
  readonly #source: Clock;
  readonly #startMs: number;
  readonly #clock = new VirtualClock();
  readonly #happened: Happening[] = [];
  #dealing = false;
  #armedUs = Number.POSITIVE_INFINITY;
  #cancelWake = () => {};
  #stopped = false;
  readonly #underWay = new Set<Promise<unknown>>();

  /** @param source what it follows, from 0 on */
  constructor(source: Clock) {
    this.#source = source;
    this.#startMs = source.nowMs();
  }

  get nowUs(): number {
    return this.#clock.nowUs;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  after(delayMs: number, fn: () => void): () => void {
    const cancel = this.#clock.after(delayMs, fn);
    if (!this.#dealing) this.#arm();
    return cancel;
  }

  happened(deal: () => void): void {
    this.#happened.push({ atUs: this.#realUs(), deal });
    if (!this.#dealing) this.#dealAll();
  }

  async ended<T>(work: Promise<T>, note: (outcome: { readonly error?: unknown }) => void): Promise<T> {
    const whole = this.#endOf(work, note);
    this.#underWay.add(whole);
    try {
      return await whole;
    } finally {
      this.#underWay.delete(whole);
    }
  }

  async quiet(mostMs: number): Promise<void> {
    await atMost(this.#source, mostMs, Promise.allSettled(this.#underWay));
  }

  async #endOf<T>(work: Promise<T>, note: (outcome: { readonly error?: unknown }) => void): Promise<T> {
    const [result] = await Promise.allSettled([work]);
    return new Promise((resolve, reject) => {
      this.happened(() => {
        if (result.status === "fulfilled") {
          note({});
          resolve(result.value);
        } else {
          note({ error: result.reason });
          reject(result.reason);
        }
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWake();
  }

  #realUs(): number {
    return Math.floor((this.#source.nowMs() - this.#startMs) * US_PER_MS);
  }

  /** One by one: what the one before set off comes first. */
  #dealAll(): void {
    this.#dealing = true;
    setImmediate(() => {
      if (this.#dealNext()) return this.#dealAll();
      this.#dealing = false;
      this.#arm();
    });
  }

  #dealNext(): boolean {
    const [next] = this.#happened;
    const dueUs = this.#stopped ? Number.POSITIVE_INFINITY : (this.#clock.dueUs ?? Number.POSITIVE_INFINITY);
    if (dueUs <= (next?.atUs ?? this.#realUs())) {
      this.#clock.fire();
      return true;
    }
    if (next === undefined) return false;
    this.#happened.shift();
    this.#clock.moveTo(next.atUs);
    next.deal();
    return true;
  }

  #arm(): void {
    const dueUs = this.#clock.dueUs ?? Number.POSITIVE_INFINITY;
    if (this.#stopped || dueUs === this.#armedUs) return;
    this.#cancelWake();
    this.#armedUs = dueUs;
    if (dueUs === Number.POSITIVE_INFINITY) return;
    this.#cancelWake = this.#source.after(Math.max(0, (dueUs - this.#realUs()) / US_PER_MS), () => {
      this.#armedUs = Number.POSITIVE_INFINITY;
      if (!this.#dealing) this.#dealAll();
    });
  }
}
