import { setImmediate } from "node:timers/promises";

interface Job {
  run(): Promise<void>;
}

/**
 * Runs one job at a time, short ones before long ones.
 *
 * ONNX Runtime holds the event loop while it computes. Between two jobs the loop turns once, so that a short
 * job that arrived meanwhile (an image's head) goes before the next long one (another image's backbone).
 */
export class Lanes {
  readonly #short: Job[] = [];
  readonly #long: Job[] = [];
  #running = false;

  run<T>(lane: "short" | "long", work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const job = { run: () => work().then(resolve, reject) };
      (lane === "short" ? this.#short : this.#long).push(job);
      if (!this.#running) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (;;) {
      await setImmediate();
      const job = this.#short.shift() ?? this.#long.shift();
      if (job === undefined) break;
      await job.run();
    }
    this.#running = false;
  }
}
