/** Looks after one connected device by signs of life, so that it is never left alone for long (SPEC §5.9). */
import type { Clock } from "./clock.ts";
import type { LiveDevice } from "./device.ts";

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** Between two signs of life, in ms. */
  readonly everyMs: number;
  /** Called after each sign of life. */
  readonly alive: () => void;
  /** Called once, when a PING was not answered; the heartbeat has then stopped. */
  readonly silent: (error: unknown) => void;
}

const DEADLINE_MS = 5000;

export class Heartbeat {
  readonly #device: LiveDevice;
  readonly #options: HeartbeatOptions;
  #stopped = false;
  #cancelTimer: () => void = () => {};

  constructor(device: LiveDevice, options: HeartbeatOptions) {
    this.#device = device;
    this.#options = options;
    this.#later(options.everyMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
  }

  #later(afterMs: number): void {
    if (this.#stopped) return;
    this.#cancelTimer = this.#options.clock.after(afterMs, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const { clock, everyMs, alive, silent } = this.#options;
    const startedMs = clock.nowMs();
    const quietMs = startedMs - this.#device.heardAtMs;
    const failure = quietMs < everyMs ? undefined : await this.#ping();
    if (this.#stopped) return;
    // Any answer is a sign of life: behind a megabyte on a slow line a PING waits past its deadline.
    if (failure !== undefined && this.#device.heardAtMs <= startedMs) return silent(failure.error);
    alive();
    this.#later(quietMs < everyMs ? everyMs - quietMs : everyMs);
  }

  async #ping(): Promise<{ readonly error: unknown } | undefined> {
    try {
      await this.#device.ping({ deadlineMs: DEADLINE_MS });
      return undefined;
    } catch (error) {
      return { error };
    }
  }
}
