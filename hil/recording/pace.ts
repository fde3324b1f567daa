/** How fast a recording is played back. */
import { type Clock, sleep } from "../../host/device/clock.ts";

/**
 * `max` as fast as the process goes, under a clock that is turned · `recorded` in real time · `line` in real time, and
 * no faster than a line of that rate carries it.
 */
export type Pace = { readonly kind: "max" | "recorded" } | { readonly kind: "line"; readonly baud: number };

const US_PER_S = 1_000_000;
const US_PER_MS = 1000;
const LEAST_BAUD = 50;
const MOST_BAUD = 12_000_000;
/** Start, 8 data bits, stop. */
const BITS_PER_BYTE = 10;

/** `max`, `recorded` or a rate in baud, such as `115200`; undefined for anything else. */
export function paceOf(text: string): Pace | undefined {
  if (text === "max" || text === "recorded") return { kind: text };
  const baud = /^[1-9][0-9]{1,7}$/.test(text) ? Number(text) : 0;
  return baud >= LEAST_BAUD && baud <= MOST_BAUD ? { kind: "line", baud } : undefined;
}

export class Pacer {
  readonly #pace: Pace;
  readonly #real: Clock;
  readonly #startMs: number;
  #lineFreeUs = 0;

  constructor(pace: Pace, real: Clock) {
    this.#pace = pace;
    this.#real = real;
    this.#startMs = real.nowMs();
  }

  /** When so many bytes have come, which may come from `dueUs` on. Asked again, it says the same. */
  arrivalUs(dueUs: number, bytes: number): number {
    if (this.#pace.kind !== "line") return dueUs;
    return Math.max(dueUs, this.#lineFreeUs + Math.ceil((bytes * BITS_PER_BYTE * US_PER_S) / this.#pace.baud));
  }

  /** They have. */
  arrived(atUs: number): void {
    this.#lineFreeUs = atUs;
  }

  /** Waits until it is time. @returns whether it had to */
  async until(us: number): Promise<boolean> {
    if (this.#pace.kind === "max") return false;
    const leftMs = us / US_PER_MS - (this.#real.nowMs() - this.#startMs);
    if (leftMs <= 0) return false;
    await sleep(this.#real, leftMs);
    return true;
  }
}
