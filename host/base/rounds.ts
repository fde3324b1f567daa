/** Work that is done again and again until it is stopped. */

export interface RoundsParts {
  /** Must not throw. Stops as soon as it can once the signal is aborted. */
  readonly round: (signal: AbortSignal) => Promise<void>;
  /** Until the next round; ends at once when the signal is aborted. */
  readonly pause: (signal: AbortSignal) => Promise<void>;
}

export class Rounds {
  readonly #parts: RoundsParts;
  #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
  }

  /** Aborted by `stop`, until the next start. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Idempotent. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal);
  }

  /** Resolves once the round under way has ended. Idempotent, never throws. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#running = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.round(signal);
      await this.#parts.pause(signal);
    }
  }
}
