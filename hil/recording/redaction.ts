/**
 * What must not be kept of a USB line: the answer to KEY, a secret (SPEC §5.7), and a real device's own id.
 *
 * Chunks stay as they are but where such an answer may come: from then on only whole lines are kept, each when it is
 * whole, so that no piece of a key gets through.
 */
import { createHash } from "node:crypto";
import { LineDecoder } from "../../host/device/link/decoder.ts";
import { encodeFrame, type Frame, parseLine } from "../../host/device/link/frame.ts";
import { REDACTED, Redactor } from "../../host/device/link/redact.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";

const LINE_FEED = 10;
const NOTHING: Buffer = Buffer.alloc(0);

/** Tells one device from another, and not which it is. */
export function redactedId(id: string): string {
  return `lv06-${createHash("sha256").update(`lv06/recording/device/1\0${id}`).digest("hex").slice(0, 8)}`;
}

export class LineRedaction {
  /** Lines that a secret was taken out of. */
  redacted = 0;
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  readonly #redactor = new Redactor();
  readonly #hidesId: boolean;
  #keyAsked = false;
  readonly #hellos = new Set<number>();
  /** The beginning of a line that is not whole. */
  #rest = NOTHING;

  /** @param hidesId of every device but models */
  constructor(hidesId: boolean) {
    this.#hidesId = hidesId;
  }

  /** What the host wrote, which is kept as it is. */
  wrote(bytes: Uint8Array): void {
    for (const event of this.#decoder.push(bytes)) {
      if (event.kind !== "frame") continue;
      const { seq, verb } = event.frame;
      this.#redactor.sent(event.frame);
      this.#keyAsked ||= verb === "KEY";
      if (verb === "HELLO" && this.#hidesId) this.#hellos.add(seq);
      else this.#hellos.delete(seq);
    }
  }

  /** What is kept of what was read; undefined if nothing, yet. */
  read(chunk: Uint8Array): Buffer | undefined {
    const bytes =
      this.#rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#rest, chunk]);
    if (!this.#keyAsked && this.#hellos.size === 0) {
      this.#rest = NOTHING;
      return bytes;
    }
    const kept: Buffer[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      kept.push(this.#line(bytes.subarray(start, end)), Buffer.of(LINE_FEED));
      start = end + 1;
    }
    const rest = bytes.subarray(start);
    // A line that no host reads whole, whatever is in it.
    this.#rest = rest.length > MAX_LINE_BYTES ? Buffer.from(REDACTED) : Buffer.from(rest);
    return kept.length === 0 ? undefined : Buffer.concat(kept);
  }

  /** The connection is over. */
  end(): Buffer | undefined {
    const rest = this.#rest;
    this.#rest = NOTHING;
    return rest.length === 0 ? undefined : this.#line(rest);
  }

  #line(line: Buffer): Buffer {
    const kept = this.#redactor.line(line);
    if (!kept.equals(line)) {
      this.redacted += 1;
      return kept;
    }
    const event = this.#hellos.size === 0 ? undefined : parseLine(line);
    return event?.kind === "frame" && event.frame.verb === "OK" && this.#hellos.has(event.frame.seq)
      ? encodeFrame(withoutId(event.frame)).subarray(0, -1)
      : line;
  }
}

function withoutId(frame: Frame): Frame {
  const args = frame.args.map((word) => {
    const id = /^device=(.+)$/.exec(word)?.[1];
    return id === undefined ? word : `device=${redactedId(id)}`;
  });
  return { ...frame, args };
}
