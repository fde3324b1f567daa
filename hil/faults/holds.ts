/** Lines that wait for another one: to be overtaken by it, to change places with it, or to come in one chunk with it. */
import type { Clock } from "../../host/device/clock.ts";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { frameOf } from "./lies.ts";

const HOLD_MS = 100;

/** One place in which a line waits, though not for ever. */
class Place {
  readonly #clock: Clock;
  readonly #giveUp: (line: Buffer) => void;
  #line: Buffer | undefined;
  #cancel = () => {};

  constructor(clock: Clock, giveUp: (line: Buffer) => void) {
    this.#clock = clock;
    this.#giveUp = giveUp;
  }

  get line(): Buffer | undefined {
    return this.#line;
  }

  put(line: Buffer, ms: number): void {
    this.#line = line;
    this.#cancel = this.#clock.after(ms, () => this.release());
  }

  take(): Buffer | undefined {
    this.#cancel();
    const line = this.#line;
    this.#line = undefined;
    return line;
  }

  release(): void {
    const line = this.take();
    if (line !== undefined) this.#giveUp(line);
  }
}

export class Holds {
  readonly #slow: Place;
  readonly #stranger: Place;
  readonly #glue: Place;
  #strangerVerb: string | undefined;

  /** @param giveUp takes what waited in vain */
  constructor(clock: Clock, giveUp: (line: Buffer) => void) {
    this.#slow = new Place(clock, giveUp);
    this.#stranger = new Place(clock, giveUp);
    this.#glue = new Place(clock, giveUp);
  }

  /** @returns the line where it cannot wait, because another does */
  overtake(line: Buffer, ms = HOLD_MS): Buffer | undefined {
    if (this.#slow.line !== undefined) return line;
    this.#slow.put(line, ms);
    return undefined;
  }

  /** @returns the line where it cannot wait: it is no answer, or another one waits */
  swap(line: Buffer, verb: string | undefined, ms = HOLD_MS): Buffer | undefined {
    if (this.#stranger.line !== undefined || verb === undefined || frameOf(line)?.verb !== "OK") return line;
    this.#strangerVerb = verb;
    this.#stranger.put(line, ms);
    return undefined;
  }

  /** What passes with `line`: the one it overtakes, or the one whose number it takes. */
  with(line: Buffer, verb: string | undefined): readonly Buffer[] {
    const slow = this.#slow.take();
    return [...this.#exchanged(line, verb), ...(slow === undefined ? [] : [slow])];
  }

  glue(bytes: Buffer, ms: number): void {
    const before = this.#glue.take();
    this.#glue.put(before === undefined ? bytes : Buffer.concat([before, bytes]), ms);
  }

  unglue(bytes: Buffer): Buffer {
    const before = this.#glue.take();
    return before === undefined ? bytes : Buffer.concat([before, bytes]);
  }

  release(): void {
    for (const place of [this.#glue, this.#slow, this.#stranger]) place.release();
  }

  end(): void {
    for (const place of [this.#glue, this.#slow, this.#stranger]) place.take();
  }

  #exchanged(line: Buffer, verb: string | undefined): readonly Buffer[] {
    const { line: held } = this.#stranger;
    if (held === undefined || verb !== this.#strangerVerb) return [line];
    const mine = frameOf(line);
    const other = frameOf(held);
    if (mine?.verb !== "OK" || other === undefined || mine.seq === other.seq) return [line];
    this.#stranger.take();
    return [encodeFrame({ ...mine, seq: other.seq }), encodeFrame({ ...other, seq: mine.seq })];
  }
}
