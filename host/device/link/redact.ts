/**
 * Keeps the reply to KEY, a secret, out of everything that is kept (SPEC.md §5.7).
 *
 * A state machine over both directions: it knows the numbers under which KEY was asked, and replaces what answers
 * them. A number stays marked until another request bears it, so that a reply to a repeated KEY is caught as well.
 * The marks are bounded by the numbers there are.
 */
import { REFUSALS } from "../errors.ts";
import { encodeFrame, type Frame, type LinkEvent, parseLine } from "./frame.ts";

export const REDACTED = "redacted";

/** A piece of a key in a line too damaged to be read as a reply. Much of an ordinary log goes with it. */
const KEY_PIECE = /[0-9a-f]{4}/i;

export class Redactor {
  readonly #asked = new Set<number>();

  /** Notes a frame on its way to the device. */
  sent({ seq, verb }: Pick<Frame, "seq" | "verb">): void {
    if (verb === "KEY") this.#asked.add(seq);
    else this.#asked.delete(seq);
  }

  /** A frame from the device as it may be kept: the same, or one that says `redacted`. */
  frame(frame: Frame): Frame {
    const { seq, verb, args } = frame;
    if ((verb !== "OK" && verb !== "ERR") || !this.#asked.has(seq)) return frame;
    const refused = verb === "ERR" && REFUSALS.some((code) => code === args[1]);
    const kept = args.slice(0, refused ? 2 : 1);
    return refused && args.length === kept.length && frame.payload === undefined
      ? frame
      : { seq, verb, args: [...kept, REDACTED] };
  }

  /** A line of text as it may be kept: once KEY was asked, nothing of one that may be the answer, damaged. */
  text(text: string): string {
    return this.#asked.size > 0 && KEY_PIECE.test(text) ? REDACTED : text;
  }

  /** What the device sent, as it may be kept. */
  event(event: LinkEvent): LinkEvent {
    switch (event.kind) {
      case "frame":
        return { kind: "frame", frame: this.frame(event.frame) };
      case "log":
        return { kind: "log", text: this.text(event.text) };
      case "discarded":
        return event;
    }
  }

  /** A line from the device without its line feed, as it may be kept. For recorders, which keep damaged lines too. */
  line(line: Buffer): Buffer {
    if (this.#asked.size === 0) return line;
    const event = parseLine(line);
    if (event?.kind !== "frame") return Buffer.from(this.text(line.toString("latin1")), "latin1");
    const kept = this.frame(event.frame);
    return kept === event.frame ? line : encodeFrame(kept).subarray(0, -1);
  }
}
