/** A log in which what is said again and again is said once a minute, with how often. */
import type { Log } from "./happenings.ts";

export interface QuietLogOptions {
  /** How long a line stands for those like it, in ms; default a minute. */
  readonly everyMs?: number;
  /** Different lines that are remembered; beyond them the oldest is forgotten. */
  readonly keysMax?: number;
  readonly monotonicMs: () => number;
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
  /** Lines that were held back. */
  times: number;
}

/** What makes two lines the same trouble, besides level and message. */
const TELLING = ["part", "code", "state", "why", "action", "miner", "name"] as const;

/**
 * Only warnings and errors: the other levels tell what was done, each time anew. The first of its kind passes at once;
 * those of the next minute are held back, and then told as one line with their number in `times`.
 */
export class QuietLog implements Log {
  readonly #log: Log;
  readonly #everyMs: number;
  readonly #keysMax: number;
  readonly #monotonicMs: () => number;
  /** The one that was said first comes first. */
  readonly #said = new Map<string, Said>();

  constructor(log: Log, { everyMs = 60_000, keysMax = 256, monotonicMs }: QuietLogOptions) {
    this.#log = log;
    this.#everyMs = everyMs;
    this.#keysMax = keysMax;
    this.#monotonicMs = monotonicMs;
  }

  debug(fields: object, message: string): void {
    this.#tellDue();
    this.#log.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#tellDue();
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
    for (const key of [...this.#said.keys()]) this.#tell(key);
  }

  #hold(level: Level, fields: Fields, message: string): void {
    this.#tellDue();
    const key = JSON.stringify([level, message, ...TELLING.map((name) => fields[name])]);
    const said = this.#said.get(key);
    if (said !== undefined) {
      said.times += timesOf(fields);
      said.fields = fields;
      return;
    }
    const [oldest] = this.#said.keys();
    if (oldest !== undefined && this.#said.size >= this.#keysMax) this.#tell(oldest);
    this.#said.set(key, { level, message, sinceMs: this.#monotonicMs(), fields, times: 0 });
    this.#log[level](fields, message);
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
    const { level, message, fields, times } = said;
    this.#log[level]({ ...fields, times }, message);
  }
}

/** A line may stand for several already. */
function timesOf({ times }: Fields): number {
  return typeof times === "number" && times > 0 ? times : 1;
}
