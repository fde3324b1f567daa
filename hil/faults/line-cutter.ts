/** Chunks → whole lines, in bounded memory; a line that does not end is let go as it is. */
import type { Clock } from "../../host/device/clock.ts";

const LINE_FEED = 0x0a;
const REST_MS = 500;
const REST_BYTES_MAX = 128 * 1024;

export class LineCutter {
  readonly #clock: Clock;
  readonly #letGo: (rest: Buffer) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #cancel: (() => void) | undefined;

  /** @param letGo takes what never ended, as it is */
  constructor(clock: Clock, letGo: (rest: Buffer) => void) {
    this.#clock = clock;
    this.#letGo = letGo;
  }

  get waitingBytes(): number {
    return this.#restBytes;
  }

  /** @returns lines, line feeds included */
  feed(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      lines.push(this.#finish(chunk.subarray(start, end + 1)));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  rest(): Buffer | undefined {
    this.#cancel?.();
    this.#cancel = undefined;
    const rest = this.#rest.length === 0 ? undefined : Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    return rest;
  }

  end(): void {
    this.rest();
  }

  #finish(end: Buffer): Buffer {
    const rest = this.rest();
    return rest === undefined ? end : Buffer.concat([rest, end]);
  }

  #keep(part: Buffer): void {
    this.#rest.push(part);
    this.#restBytes += part.length;
    this.#cancel?.();
    this.#cancel = this.#clock.after(REST_MS, () => this.#release());
    if (this.#restBytes > REST_BYTES_MAX) this.#release();
  }

  #release(): void {
    const rest = this.rest();
    if (rest !== undefined) this.#letGo(rest);
  }
}
