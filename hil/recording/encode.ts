/** Recordings → lines. Each event is written in one way only. */
import { createHash, type Hash } from "node:crypto";
import { RecordingError } from "./error.ts";
import {
  type End,
  type Event,
  type Header,
  headerSchema,
  MOST_EVENTS,
  MOST_FILE_BYTES,
  MOST_LINE_BYTES,
} from "./format.ts";

const TEXT = /^[\x20-\x7e\n\r\t]*$/;
/** Of one event: what base64 and quotes add fits the line. */
const MOST_CHUNK_BYTES = 256 * 1024;
/** What the end record may take. */
const END_BYTES = 1024;

export function encodeEvent(event: Event): string {
  switch (event.code) {
    case "w":
    case "r":
      return line(event, dataOf(event.bytes), event.connection);
    case "c":
      return line(event, event.control, event.connection);
    case "m":
      return line(event, event.text, 1);
    case "x":
      return line(event, event.fault, 1);
  }
}

function line({ atUs, code }: Event, data: unknown, connection: number): string {
  const suffix = connection === 1 ? "" : `,${connection}`;
  return `[${atUs},"${code}",${JSON.stringify(data)}${suffix}]\n`;
}

function dataOf(bytes: Buffer): string | { readonly base64: string } {
  const text = bytes.toString("latin1");
  return TEXT.test(text) ? text : { base64: bytes.toString("base64") };
}

/** The lines of one recording as they come, with the sums that go into its end. */
export class LineWriter {
  readonly #file = createHash("sha256");
  readonly #sums = { w: new Sum(), r: new Sum() };
  #events = 0;
  #bytes = 0;
  #lastUs = 0;

  /** @throws RecordingError RECORDING_FORM for a header that cannot be read back */
  header(header: Header): string {
    const checked = headerSchema.safeParse(header);
    if (!checked.success) throw new RecordingError("RECORDING_FORM", `the header: ${checked.error.message}`);
    return this.#add(`${JSON.stringify(header)}\n`);
  }

  /** Several lines where it is large. @throws RecordingError RECORDING_LIMIT */
  event(event: Event): string {
    if ((event.code !== "w" && event.code !== "r") || event.bytes.length <= MOST_CHUNK_BYTES) return this.#one(event);
    let lines = "";
    for (let at = 0; at < event.bytes.length; at += MOST_CHUNK_BYTES) {
      lines += this.#one({ ...event, bytes: event.bytes.subarray(at, at + MOST_CHUNK_BYTES) });
    }
    return lines;
  }

  end(verdict: End["verdict"], redacted: number): string {
    const { w, r } = this.#sums;
    const said = { events: this.#events, w: w.end(), r: r.end(), redacted, verdict, durationUs: this.#lastUs };
    const end: End = { ...said, sha256: this.#file.update(JSON.stringify(said)).digest("hex") };
    return `${JSON.stringify({ end })}\n`;
  }

  #one(event: Event): string {
    if (this.#events === MOST_EVENTS) throw new RecordingError("RECORDING_LIMIT", `more than ${MOST_EVENTS} events`);
    const text = encodeEvent(event);
    if (text.length > MOST_LINE_BYTES) throw new RecordingError("RECORDING_LIMIT", `an event of ${text.length} bytes`);
    this.#add(text);
    this.#events += 1;
    this.#lastUs = event.atUs;
    if (event.code === "w" || event.code === "r") this.#sums[event.code].add(event.bytes);
    return text;
  }

  #add(text: string): string {
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes + END_BYTES > MOST_FILE_BYTES)
      throw new RecordingError("RECORDING_LIMIT", `more than ${MOST_FILE_BYTES} bytes`);
    this.#file.update(text);
    return text;
  }
}

/** What went one way. */
export class Sum {
  readonly #hash: Hash = createHash("sha256");
  #chunks = 0;
  #bytes = 0;

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#chunks += 1;
    this.#bytes += bytes.length;
  }

  end(): End["w"] {
    return { chunks: this.#chunks, bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }
}

/** A whole recording, its end made anew. @throws RecordingError RECORDING_LIMIT, RECORDING_FORM */
export function encodeRecording(
  header: Header,
  events: readonly Event[],
  verdict: End["verdict"] = "passed",
  redacted = 0,
): Buffer {
  const writer = new LineWriter();
  const lines = [writer.header(header), ...events.map((event) => writer.event(event))];
  return Buffer.from([...lines, writer.end(verdict, redacted)].join(""));
}
