/** When bytes arrive: delays, a rate, standstills, darkness. In order, as on a serial line, and in bounded memory. */
import type { Clock } from "../../host/device/clock.ts";

interface Chunk {
  readonly bytes: Uint8Array;
  readonly dueMs: number;
}

/** What waits beyond this is lost, as in a port without flow control. */
const WAITING_BYTES_MAX = 1 << 20;
const BITS_PER_BYTE = 10;

export class Pacer {
  readonly #clock: Clock;
  readonly #deliver: (bytes: Uint8Array) => void;
  #waiting: Chunk[] = [];
  #waitingBytes = 0;
  #lastDueMs = 0;
  #standsUntilMs = 0;
  #darkUntilMs = 0;
  #freeAtMs = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, deliver: (bytes: Uint8Array) => void) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** @param delayMs from now @param baud no faster than this */
  send(bytes: Uint8Array, delayMs = 0, baud?: number): void {
    const nowMs = this.#clock.nowMs();
    if (bytes.length === 0 || nowMs < this.#darkUntilMs || this.#waitingBytes + bytes.length > WAITING_BYTES_MAX)
      return;
    if (baud !== undefined) {
      this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + (bytes.length * BITS_PER_BYTE * 1000) / baud;
    }
    const earliestMs = Math.max(nowMs + delayMs, baud === undefined ? 0 : this.#freeAtMs);
    const dueMs = Math.max(earliestMs, this.#lastDueMs, this.#standsUntilMs);
    if (dueMs <= nowMs && this.#waiting.length === 0) this.#deliver(bytes);
    else this.#wait({ bytes, dueMs });
  }

  /** Nothing moves for so long; what waits then comes all at once. */
  stand(ms: number): void {
    this.#standsUntilMs = Math.max(this.#standsUntilMs, this.#clock.nowMs() + ms);
  }

  /** What is sent within `ms`, and what waits now, is lost. */
  darken(ms: number): void {
    this.#darkUntilMs = Math.max(this.#darkUntilMs, this.#clock.nowMs() + ms);
    this.#clear();
  }

  /** All is well: what waits comes at once. */
  heal(): void {
    this.#standsUntilMs = 0;
    this.#darkUntilMs = 0;
    const waiting = this.#waiting;
    this.#clear();
    for (const { bytes } of waiting) this.#deliver(bytes);
  }

  end(): void {
    this.#clear();
  }

  #wait(chunk: Chunk): void {
    this.#lastDueMs = chunk.dueMs;
    this.#waitingBytes += chunk.bytes.length;
    this.#waiting.push(chunk);
    this.#arm();
  }

  #clear(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#lastDueMs = 0;
  }

  #arm(): void {
    const [first] = this.#waiting;
    if (this.#cancelTimer !== undefined || first === undefined) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, first.dueMs - this.#clock.nowMs()), () => {
      this.#cancelTimer = undefined;
      this.#release();
    });
  }

  /** What became due together comes as one chunk. */
  #release(): void {
    const nowMs = this.#clock.nowMs();
    const split = this.#waiting.findIndex(({ dueMs }) => dueMs > nowMs);
    const due = split < 0 ? this.#waiting : this.#waiting.slice(0, split);
    this.#waiting = split < 0 ? [] : this.#waiting.slice(split);
    for (const { bytes } of due) this.#waitingBytes -= bytes.length;
    if (due.length > 0) this.#deliver(Buffer.concat(due.map(({ bytes }) => bytes)));
    this.#arm();
  }
}
