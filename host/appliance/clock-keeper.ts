/** Knows how far the clock is to be trusted: whether it is set from outside, and whether it was set while we ran. */
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Rounds } from "../base/rounds.ts";
import { ClockWatch } from "../health/clock-watch.ts";
import { clockSynced } from "../health/machine.ts";

export interface ClockKeeperParts {
  readonly utcMs: () => number;
  readonly monotonicMs: () => number;
  /** The clock was set by so much, in ms. */
  readonly stepped: (byMs: number) => void;
  /** What the system's files say; null where they say nothing. */
  readonly synced?: () => boolean | null;
  /** What the system's time service says; null where there is none. */
  readonly askService?: () => Promise<boolean | null>;
}

const LOOK_MS = 10_000;
/** In looks: asking it starts a process. */
const ASK_EVERY = 6;
const ASK_DEADLINE_MS = 5_000;

export class ClockKeeper {
  readonly #parts: Required<ClockKeeperParts>;
  readonly #watch = new ClockWatch();
  readonly #rounds = new Rounds({
    round: () => this.look(),
    pause: (signal) => sleep(LOOK_MS, undefined, { signal, ref: false }).catch(() => {}),
  });
  /** Steps that were noticed when somebody asked, to be told at the next look. */
  #untold: number[] = [];
  #looks = 0;
  #serviceSays: boolean | null = null;

  constructor(parts: ClockKeeperParts) {
    this.#parts = { synced: clockSynced, askService: askTimedatectl, ...parts };
  }

  /** Whether the clock was set while the appliance ran, and it is not known since whether rightly. */
  get stepped(): boolean {
    // Whoever acts on the time asks first, and must not be told of the clock as it was some seconds ago.
    this.#notice();
    return this.#watch.uncertain(this.#said, this.#parts.monotonicMs());
  }

  /** Whether the time is right, as far as this machine knows; null where nobody says. */
  synced(): boolean | null {
    return this.stepped ? false : this.#said;
  }

  /** Whether anything may be removed for its age. */
  get trusted(): boolean {
    return this.synced() !== false;
  }

  start(): void {
    this.#rounds.start();
  }

  /** What was noticed is told before it ends. */
  async stop(): Promise<void> {
    await this.#rounds.stop();
    this.#tell();
  }

  /** One look. Never rejects. */
  async look(): Promise<void> {
    const { synced, askService } = this.#parts;
    this.#tell();
    if (synced() === null && this.#looks++ % ASK_EVERY === 0) this.#serviceSays = await askService();
  }

  #tell(): void {
    this.#notice();
    for (const byMs of this.#untold.splice(0)) this.#parts.stepped(byMs);
  }

  #notice(): void {
    const byMs = this.#watch.look(this.#parts.utcMs(), this.#parts.monotonicMs());
    if (byMs !== null) this.#untold.push(byMs);
  }

  get #said(): boolean | null {
    return this.#parts.synced() ?? this.#serviceSays;
  }
}

export function makeClockKeeper(stepped: (byMs: number) => void): ClockKeeper {
  return new ClockKeeper({ utcMs: Date.now, monotonicMs: () => performance.now(), stepped });
}

/** What systemd knows of the clock; also of chrony and ntpd: it asks the kernel. Null where nobody says. */
export function askTimedatectl(): Promise<boolean | null> {
  return new Promise((resolve) => {
    const words = ["show", "--property=NTPSynchronized", "--value"];
    // It would tell the service manager of its own failures, in our name.
    const { NOTIFY_SOCKET: _, ...env } = process.env;
    execFile("timedatectl", words, { timeout: ASK_DEADLINE_MS, env }, (error, stdout) => {
      const answer = error === null ? stdout.trim() : "";
      resolve(answer === "yes" ? true : answer === "no" ? false : null);
    });
  });
}
