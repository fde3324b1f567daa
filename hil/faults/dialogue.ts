/** Which command a line of one connection belongs to: requests as they go out, answers by their number. */
import type { Frame } from "../../host/device/link/frame.ts";
import type { Direction } from "./kinds.ts";
import { frameOf } from "./lies.ts";

const REQUESTS_KEPT = 2048;
const FRAME = /^~([0-9a-f]{4}) ([A-Z][A-Z0-9_]*)/;
const METHOD = /"method"\s*:\s*"([^"]{1,64})"/;
const TILDE = 0x7e;
const HEAD_BYTES = 24;

export class Dialogue {
  readonly #verbs = new Map<string, string>();
  /** The last answer to each command. */
  readonly #answers = new Map<string, Frame>();

  /** The line's command, where it has one. */
  verbOf(line: Buffer, direction: Direction): string | undefined {
    if (line[0] !== TILDE) return METHOD.exec(line.toString("latin1"))?.[1];
    const [, seq = "", verb = ""] = FRAME.exec(line.toString("latin1", 0, HEAD_BYTES)) ?? [];
    if (verb === "") return undefined;
    if (direction === "read") return verb === "OK" || verb === "ERR" ? this.#verbs.get(seq) : verb;
    this.#verbs.delete(seq);
    this.#verbs.set(seq, verb);
    const [oldest] = this.#verbs.keys();
    if (this.#verbs.size > REQUESTS_KEPT && oldest !== undefined) this.#verbs.delete(oldest);
    return verb;
  }

  /** The answer to this command before `line`, which is kept for the next time if it is one. */
  answerBefore(line: Buffer, verb: string | undefined): Frame | undefined {
    const now = frameOf(line);
    if (now === undefined || now.verb !== "OK" || verb === undefined) return undefined;
    const earlier = this.#answers.get(verb);
    this.#answers.set(verb, now);
    return earlier;
  }
}
