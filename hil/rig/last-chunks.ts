/** The last chunks that went over a line, for the report of a failure. What answers KEY, a secret, is not kept. */
import { LineDecoder } from "../../host/device/link/decoder.ts";
import { Redactor } from "../../host/device/link/redact.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import type { Transport } from "../../host/device/transport.ts";
import type { Passed } from "./report.ts";

export const CHUNKS_KEPT = 100;
const LINE_FEED = 10;

export class LastChunks {
  readonly #nowUs: () => number;
  readonly #kept: Passed[] = [];

  /** @param nowUs µs since the case began */
  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** Oldest first. */
  list(): readonly Passed[] {
    return [...this.#kept];
  }

  /** The same line, listened to. */
  through(inner: Transport): Transport {
    const secrets = new SecretFilter();
    const { setRate, lines, startBaud } = inner;
    return {
      name: inner.name,
      ...(lines === undefined ? {} : { lines }),
      ...(startBaud === undefined ? {} : { startBaud }),
      write: (bytes) => {
        secrets.sent(bytes);
        this.#keep("write", bytes);
        return inner.write(bytes);
      },
      onChunk: (listener) =>
        inner.onChunk((chunk) => {
          for (const bytes of secrets.heard(chunk)) this.#keep("read", bytes);
          listener(chunk);
        }),
      onClose: (listener) => inner.onClose(listener),
      close: () => inner.close(),
      ...(setRate === undefined ? {} : { setRate: (baud: number) => setRate.call(inner, baud) }),
    };
  }

  #keep(direction: Passed["direction"], bytes: Uint8Array): void {
    this.#kept.push({ atUs: Math.round(this.#nowUs()), direction, bytes: Uint8Array.from(bytes) });
    if (this.#kept.length > CHUNKS_KEPT) this.#kept.shift();
  }
}

/** Chunks as they are until KEY is asked; from then on whole lines, without the key. */
class SecretFilter {
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  readonly #redactor = new Redactor();
  #asked = false;
  #rest: Buffer = Buffer.alloc(0);

  sent(bytes: Uint8Array): void {
    for (const event of this.#decoder.push(bytes)) {
      if (event.kind !== "frame") continue;
      this.#redactor.sent(event.frame);
      this.#asked ||= event.frame.verb === "KEY";
    }
  }

  heard(chunk: Uint8Array): readonly Uint8Array[] {
    if (!this.#asked) return [chunk];
    const bytes = Buffer.concat([this.#rest, chunk]);
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      lines.push(Buffer.concat([this.#redactor.line(bytes.subarray(start, end)), Buffer.of(LINE_FEED)]));
      start = end + 1;
    }
    const rest = bytes.subarray(start);
    this.#rest = rest.length > MAX_LINE_BYTES ? Buffer.alloc(0) : rest;
    return lines;
  }
}
