/** Looks at one miner at intervals and judges it. */
import type { Clock } from "../clock.ts";
import { type JudgeState, judge, type MinerConditions, NOT_JUDGED, type Observation } from "./judge.ts";
import type { Limits } from "./limits.ts";
import type { MinerReading } from "./reading.ts";

export interface WatchOptions {
  readonly clock: Clock;
  readonly limits: Limits;
  /** From the end of one look to the start of the next, in ms. */
  readonly intervalMs: number;
  /** One look, with a deadline of its own. */
  readonly read: () => Promise<MinerReading>;
  /** What the bridge knows at this moment, beside what the miner says. */
  readonly bridge: (reading: MinerReading | null) => Omit<Observation, "nowMs" | "reading">;
  /** Called after every look. May not throw. */
  readonly onLook: (look: Look) => void;
}

export interface Look {
  readonly reading: MinerReading | null;
  /** Why there is no reading. */
  readonly error: unknown;
  readonly conditions: MinerConditions;
}

export class MinerWatch {
  readonly #options: WatchOptions;
  #state: JudgeState = NOT_JUDGED;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#look();
  }

  /** No look is reported after this. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Forgets what was: for a restart that was asked for. */
  forget(): void {
    this.#state = NOT_JUDGED;
  }

  async #look(): Promise<void> {
    const { clock, limits, intervalMs, read, bridge, onLook } = this.#options;
    const { reading, error } = await read().then(
      (reading) => ({ reading, error: undefined }),
      (error: unknown) => ({ reading: null, error }),
    );
    if (this.#stopped) return;
    const { state, conditions } = judge(this.#state, { nowMs: clock.nowMs(), reading, ...bridge(reading) }, limits);
    this.#state = state;
    this.#cancel = clock.after(intervalMs, () => void this.#look());
    onLook({ reading, error, conditions });
  }
}
