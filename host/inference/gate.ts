/** Lets `open` callers through at a time and `queueMax` wait, in order of arrival. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  readonly #queueMax: number;
  #free: number;

  constructor(open: number, queueMax: number) {
    this.#free = open;
    this.#queueMax = queueMax;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves once through; every success is followed by one `leave`. Undefined when too many wait already. */
  enter(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#queueMax) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
