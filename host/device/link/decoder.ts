/** Bytes → lines → events, with bounded memory whatever arrives. */
import { type DiscardReason, type LinkEvent, parseLine } from "./frame.ts";

export interface LinkCounters {
  readonly frames: number;
  readonly logs: number;
  readonly discarded: Readonly<Record<DiscardReason, number>>;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

export class LineDecoder {
  readonly #maxLineBytes: number;
  readonly #rest: Buffer;
  #restBytes = 0;
  #frames = 0;
  #logs = 0;
  readonly #discarded = { long: 0, bytes: 0, form: 0, crc: 0 };

  /** @param maxLineBytes longest line that is read, line feed included; a carriage return before that does not count */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
    this.#rest = Buffer.alloc(maxLineBytes + 1);
  }

  get counters(): LinkCounters {
    return { frames: this.#frames, logs: this.#logs, discarded: { ...this.#discarded } };
  }

  /** The events that this chunk completes. Chunk borders never matter; a line without a line feed waits for it. */
  push(chunk: Uint8Array): LinkEvent[] {
    const events: LinkEvent[] = [];
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      const event = this.#finish(bytes.subarray(start, end));
      if (event !== undefined) events.push(this.#count(event));
      start = end + 1;
    }
    this.#keep(bytes.subarray(start));
    return events;
  }

  #finish(part: Buffer): LinkEvent | undefined {
    const last = part.at(-1) ?? this.#rest[this.#restBytes - 1];
    const uncountedBytes = last === CARRIAGE_RETURN ? 1 : 0;
    const long = this.#restBytes + part.length - uncountedBytes >= this.#maxLineBytes;
    if (this.#restBytes === 0) return parseLine(part, long);
    this.#keep(part);
    const line = this.#rest.subarray(0, this.#restBytes);
    this.#restBytes = 0;
    return parseLine(line, long);
  }

  /** What outgrows the limit is not kept: a full buffer, longer than any line, makes it too long whatever follows. */
  #keep(part: Buffer): void {
    if (part.length > 0) this.#restBytes += part.copy(this.#rest, this.#restBytes);
  }

  #count(event: LinkEvent): LinkEvent {
    switch (event.kind) {
      case "frame":
        this.#frames += 1;
        break;
      case "log":
        this.#logs += 1;
        break;
      case "discarded":
        this.#discarded[event.reason] += 1;
        break;
    }
    return event;
  }
}
