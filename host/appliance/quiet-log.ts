/** A log in which what is said again and again is said once a minute, with how often. */
import type { Log } from "./happenings.ts";

export interface QuietLogOptions {
  /** How long a line stands for those like it, in ms; default a minute. */
  readonly everyMs?: number;
  /** Different lines that are remembered; beyond them the oldest is forgotten. */
  readonly keysMax?: number;
  readonly monotonicMs: () => number;
  /** What the log stamps its lines with. */
  readonly utcMs: () => number;
}

type Level = "warn" | "error";

interface Fields {
  readonly [name: string]: unknown;
}

interface Said {
  readonly level: Level;
  readonly message: string;
  readonly sinceMs: number;
  /** Of the last line that was held back. */
  fields: Fields;
  utcMs: number;
  /** Lines that were held back. */
  times: number;
}

/** What makes two lines the same trouble, besides level and message. */
const TELLING = ["part", "code", "state", "why", "action", "miner", "name"] as const;

/**
 * Only warnings and errors: the other levels tell what was done, each time anew. The first of its kind passes at once;
 * those of the next minute are held back, and then told as one line with the `time` of the last and their number in
 * `times`. News of the same part tells them before itself, and what goes wrong after it is told at once.
 */
export class QuietLog implements Log {
  readonly #log: Log;
  readonly #everyMs: number;
  readonly #keysMax: number;
  readonly #monotonicMs: () => number;
  readonly #utcMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  /** The one that was said first comes first. */
  readonly #said = new Map<string, Said>();

  constructor(log: Log, { everyMs = 60_000, keysMax = 256, monotonicMs, utcMs }: QuietLogOptions) {
    this.#log = log;
    this.#everyMs = everyMs;
    this.#keysMax = keysMax;
    this.#monotonicMs = monotonicMs;
    this.#utcMs = utcMs;
  }

  debug(fields: object, message: string): void {
    this.#tellDue();
    this.#log.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#tellDue();
    this.#tellOf((fields as Fields).part);
    this.#log.info(fields, message);
  }

  warn(fields: object, message: string): void {
    this.#hold("warn", fields as Fields, message);
  }

  error(fields: object, message: string): void {
    this.#hold("error", fields as Fields, message);
  }

  /** Tells what was held back. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const key of [...this.#said.keys()]) this.#tell(key);
  }

  #hold(level: Level, fields: Fields, message: string): void {
    this.#tellDue();
    const key = JSON.stringify([level, message, ...TELLING.map((name) => fields[name])]);
    const said = this.#said.get(key);
    if (said !== undefined) {
      said.times += timesOf(fields);
      said.fields = fields;
      said.utcMs = this.#utcMs();
      this.#wait();
      return;
    }
    const [oldest] = this.#said.keys();
    if (oldest !== undefined && this.#said.size >= this.#keysMax) this.#tell(oldest);
    this.#said.set(key, { level, message, sinceMs: this.#monotonicMs(), fields, utcMs: 0, times: 0 });
    this.#log[level](fields, message);
  }

  /** Also where nothing else is said: what was held back is told when its minute is over. */
  #wait(): void {
    if (this.#timer !== undefined) return;
    const held = [...this.#said.values()].find(({ times }) => times > 0);
    if (held === undefined) return;
    const leftMs = held.sinceMs + this.#everyMs - this.#monotonicMs();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#tellDue();
        this.#wait();
      },
      Math.max(leftMs, 1),
    ).unref();
  }

  #tellOf(part: unknown): void {
    if (part === undefined) return;
    for (const [key, { fields }] of this.#said) if (fields.part === part) this.#tell(key);
  }

  #tellDue(): void {
    const dueMs = this.#monotonicMs() - this.#everyMs;
    for (const [key, { sinceMs }] of this.#said) {
      if (sinceMs > dueMs) return;
      this.#tell(key);
    }
  }

  #tell(key: string): void {
    const said = this.#said.get(key);
    this.#said.delete(key);
    if (said === undefined || said.times === 0) return;
    const { level, message, fields, utcMs, times } = said;
    this.#log[level]({ ...fields, time: new Date(utcMs).toISOString(), times }, message);
  }
}

/** A line may stand for several already. */
function timesOf({ times }: Fields): number {
  return typeof times === "number" && times > 0 ? times : 1;
}
