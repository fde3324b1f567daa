/**
 * What must not be kept of a USB line: the answer to KEY, a secret (SPEC §5.7), and a real device's own id.
 *
 * A model's chunks stay as they are until KEY is asked. From then on, and of a real device always, only whole lines are
 * kept, each when it is whole, so that no piece gets through.
 */
import { LineDecoder } from "../../host/device/link/decoder.ts";
import { encodeFrame, type Frame, parseLine } from "../../host/device/link/frame.ts";
import { REDACTED, Redactor } from "../../host/device/link/redact.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import { HiddenIds } from "../rig/hidden-id.ts";
import type { Recording } from "./format.ts";

const LINE_FEED = 10;
const NOTHING: Buffer = Buffer.alloc(0);
const DEVICE = "device=";

export class LineRedaction {
  /** Lines that a secret was taken out of. */
  redacted = 0;
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  readonly #redactor = new Redactor();
  readonly #hidden: HiddenIds | undefined;
  #keyAsked = false;
  /** The beginning of a line that is not whole. */
  #rest = NOTHING;

  /** @param hidden ids that may not be kept, with those that HELLO tells here; absent for models */
  constructor(hidden?: HiddenIds) {
    this.#hidden = hidden;
  }

  /** What the host wrote, which is kept as it is. */
  wrote(bytes: Uint8Array): void {
    for (const event of this.#decoder.push(bytes)) {
      if (event.kind !== "frame") continue;
      this.#redactor.sent(event.frame);
      this.#keyAsked ||= event.frame.verb === "KEY";
    }
  }

  /** What is kept of what was read; undefined if nothing, yet. */
  read(chunk: Uint8Array): Buffer | undefined {
    const bytes =
      this.#rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#rest, chunk]);
    if (!this.#keyAsked && this.#hidden === undefined) {
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
    if (this.#keyAsked && isRedacted(kept)) this.redacted += 1;
    return this.#hidden === undefined ? kept : withoutIds(kept, this.#hidden);
  }
}

function isRedacted(line: Buffer): boolean {
  if (line.equals(Buffer.from(REDACTED))) return true;
  const event = line.includes(REDACTED) ? parseLine(line) : undefined;
  return event?.kind === "frame" && event.frame.args.at(-1) === REDACTED;
}

function withoutIds(line: Buffer, hidden: HiddenIds): Buffer {
  const event = parseLine(line);
  if (event?.kind !== "frame") return Buffer.from(hidden.text(line.toString("latin1")), "latin1");
  const { frame } = event;
  for (const id of idsTold(frame)) hidden.learn(id);
  const args = frame.args.map((word) => hidden.text(word));
  return args.every((word, i) => word === frame.args[i]) ? line : encodeFrame({ ...frame, args }).subarray(0, -1);
}

/** HELLO's answer says who it is, whatever number it comes under. */
function idsTold({ verb, args }: Frame): string[] {
  if (verb !== "OK" || !args.some((word) => word.startsWith("proto="))) return [];
  return args.filter((word) => word.startsWith(DEVICE)).map((word) => word.slice(DEVICE.length));
}

/** How many lines of a recording are without a secret that they had, as its recorder counted them. */
export function redactedLines({ header, events }: Pick<Recording, "header" | "events">): number {
  const lines = new Map<number, LineRedaction>();
  for (const event of events) {
    if (event.code !== "w" && event.code !== "r") continue;
    const line = lines.get(event.connection) ?? new LineRedaction(header.simulated ? undefined : new HiddenIds());
    lines.set(event.connection, line);
    if (event.code === "w") line.wrote(event.bytes);
    else line.read(event.bytes);
  }
  return [...lines.values()].reduce((sum, line) => {
    line.end();
    return sum + line.redacted;
  }, 0);
}
