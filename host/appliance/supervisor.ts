/**
 * Starts what the appliance is made of, one part after the other; tries again what did not start, within a budget; and
 * stops everything within a deadline, in the opposite order.
 *
 * What happens to a part while it runs is the part's own: each has its way to come back, and says how it is.
 */
import { RestartBudget } from "../base/budget.ts";
import { errorCode } from "../base/error.ts";
import { atMost, type Clock } from "../device/clock.ts";

export interface PartState {
  /** One word. */
  readonly state: string;
  readonly lastErrorCode: string | null;
  /** How often it was started again. */
  readonly restarts: number;
}

export interface Part {
  readonly name: string;
  /** Without it there is no appliance: where it does not start, nothing does. Another one is tried again. */
  readonly essential?: true;
  start?(): Promise<void> | void;
  /** Idempotent; also called where the part did not start. */
  stop?(): Promise<void> | void;
  /** What the part says of itself while it runs. */
  state?(): Partial<PartState>;
}

/** Parts that stop together. */
export interface Stage {
  readonly parts: readonly Part[];
  /** What has not stopped this long after the order to stop, in ms, is not waited for any longer. */
  readonly stopByMs: number;
}

export interface SupervisorOptions {
  /** In the order of their start. */
  readonly stages: readonly Stage[];
  readonly clock: Clock;
  readonly utcMs: () => number;
  /** A part did not start, or did not stop. */
  readonly failed: (part: string, error: unknown) => void;
}

export type PartViews = Readonly<Record<string, PartState & { readonly sinceUtcMs: number }>>;

const BUDGET = { most: 5, everyMs: 60_000 };
/** Before a part is started again, at least. */
const PAUSE_MS = 1_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #stages: readonly { readonly parts: readonly Supervised[]; readonly stopByMs: number }[];
  readonly #since = new Map<string, { readonly state: string; readonly sinceUtcMs: number }>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#stages = options.stages.map(({ parts, stopByMs }) => ({
      parts: parts.map((part) => new Supervised(part, options)),
      stopByMs,
    }));
  }

  /** Whether a part that did not start waits for its next try. */
  get troubled(): boolean {
    return this.#parts.some(({ waits }) => waits);
  }

  get #parts(): readonly Supervised[] {
    return this.#stages.flatMap(({ parts }) => parts);
  }

  /** How every part is, and since which look. */
  views(): PartViews {
    const utcMs = this.#options.utcMs();
    const entries = this.#parts.map((part) => {
      const view = part.view();
      const known = this.#since.get(part.name);
      const since = known?.state === view.state ? known : { state: view.state, sinceUtcMs: utcMs };
      this.#since.set(part.name, since);
      return [part.name, { ...view, sinceUtcMs: since.sinceUtcMs }] as const;
    });
    return Object.fromEntries(entries);
  }

  /** @throws what an essential part throws */
  async start(): Promise<void> {
    for (const part of this.#parts) await part.start();
  }

  /** Never rejects. @returns the parts that were not done in time */
  async stop(): Promise<readonly string[]> {
    const { clock } = this.#options;
    const startedMs = clock.nowMs();
    const stopping: Promise<void>[] = [];
    for (const { parts, stopByMs } of this.#stages.toReversed()) {
      stopping.push(...parts.map((part) => part.stop()));
      // Also for those of earlier stages: what they wait for may be in this one.
      await atMost(clock, Math.max(0, startedMs + stopByMs - clock.nowMs()), Promise.all(stopping));
    }
    return this.#parts.filter(({ stopped }) => !stopped).map(({ name }) => name);
  }
}

type Phase = "stopped" | "starting" | "running" | "failed" | "resting" | "stopping";

/** One part in the supervisor's care. */
class Supervised {
  readonly #part: Part;
  readonly #options: SupervisorOptions;
  readonly #budget = new RestartBudget(BUDGET);
  #phase: Phase = "stopped";
  #lastErrorCode: string | null = null;
  #restarts = 0;
  #starting: Promise<void> = Promise.resolve();
  #cancelRetry: () => void = () => {};

  constructor(part: Part, options: SupervisorOptions) {
    this.#part = part;
    this.#options = options;
  }

  get name(): string {
    return this.#part.name;
  }

  get stopped(): boolean {
    return this.#phase === "stopped";
  }

  /** For its next try. */
  get waits(): boolean {
    return this.#phase === "failed" || this.#phase === "resting";
  }

  view(): PartState {
    const seen = { state: this.#phase, lastErrorCode: this.#lastErrorCode, restarts: this.#restarts };
    return this.#phase === "running" ? { ...seen, ...this.#part.state?.() } : seen;
  }

  /** @throws what the part throws, where it is essential */
  async start(): Promise<void> {
    this.#phase = "starting";
    const starting = this.#begin();
    this.#starting = starting.catch(() => {});
    await starting;
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.#cancelRetry();
    this.#phase = "stopping";
    try {
      await this.#starting;
      await this.#part.stop?.();
    } catch (error) {
      this.#note(error);
    }
    this.#phase = "stopped";
  }

  async #begin(): Promise<void> {
    try {
      await this.#part.start?.();
      if (this.#phase === "starting") this.#phase = "running";
    } catch (error) {
      this.#note(error);
      if (this.#part.essential) throw error;
      if (this.#phase === "starting") this.#tryLater();
    }
  }

  #tryLater(): void {
    const { clock } = this.#options;
    const restMs = this.#budget.take(clock.nowMs());
    this.#phase = restMs > 0 ? "resting" : "failed";
    this.#cancelRetry = clock.after(Math.max(PAUSE_MS, restMs), () => {
      this.#restarts += 1;
      void this.start();
    });
  }

  #note(error: unknown): void {
    this.#lastErrorCode = errorCode(error);
    this.#options.failed(this.name, error);
  }
}
