/** One direction of one connection, under the faults of a plan. */
import type { Clock } from "../../host/device/clock.ts";
import { change } from "./changes.ts";
import type { Dialogue } from "./dialogue.ts";
import { Holds } from "./holds.ts";
import { type Direction, type FaultKind, kindOf } from "./kinds.ts";
import { LineCutter } from "./line-cutter.ts";
import { Pacer } from "./pacer.ts";
import type { ArmedFault, Passing } from "./trigger.ts";
import { CLEAR, splitChunks, under, type Way } from "./way.ts";

/** What a lane knows of its connection. */
export interface LaneOptions {
  readonly direction: Direction;
  /** Those of the plan in this direction. */
  readonly faults: readonly ArmedFault[];
  readonly marks: ReadonlySet<string>;
  readonly dialogue: Dialogue;
  /** Whether some fault wants to know commands, in either direction. */
  readonly listens: boolean;
  readonly clock: Clock;
  readonly deliver: (bytes: Uint8Array) => void;
  /** Ends the connection. */
  readonly unplug: () => void;
  /** @returns whether it did */
  readonly act: (what: "restart" | "crash") => boolean;
  readonly fired: (kind: FaultKind) => void;
}

const EARLIER_LINES = 32;

export class Lane {
  readonly #options: LaneOptions;
  readonly #pacer: Pacer;
  readonly #holds: Holds;
  readonly #cutter: LineCutter | undefined;
  readonly #wantsAnswers: boolean;
  readonly #earlier: Buffer[] = [];
  #healed = false;
  #lines = 0;
  #bytes = 0;
  #splits = 0;
  /** What this push lets through so far, to arrive as one chunk. */
  #through: Buffer[] = [];
  #write: Way["write"] = "passed";

  constructor(options: LaneOptions) {
    this.#options = options;
    const { clock, faults, deliver } = options;
    this.#pacer = new Pacer(clock, deliver);
    this.#holds = new Holds(clock, (bytes) => this.#pacer.send(bytes));
    const byLine = faults.some(
      ({ fault }) => !kindOf(fault.kind).onChunks || fault.line !== undefined || fault.verb !== undefined,
    );
    this.#cutter = byLine || options.listens ? new LineCutter(clock, (rest) => this.#pacer.send(rest)) : undefined;
    this.#wantsAnswers = faults.some(({ fault }) => fault.kind === "stale-answer");
  }

  /** What waits in it, in bytes. */
  get waitingBytes(): number {
    return this.#pacer.waitingBytes + (this.#cutter?.waitingBytes ?? 0);
  }

  /** @returns what becomes of the write that this was, if it was one */
  push(chunk: Uint8Array): Way["write"] {
    this.#write = "passed";
    if (this.#healed) this.#pacer.send(chunk);
    else {
      const bytes = Buffer.from(chunk);
      for (const piece of this.#cutter?.feed(bytes) ?? [bytes]) this.#pass(piece);
      this.#flush();
    }
    return this.#write;
  }

  /** The plan is over: what was held comes, and nothing is harmed any more. */
  heal(): void {
    if (this.#healed) return;
    this.#healed = true;
    this.#pacer.heal();
    this.#holds.release();
    const rest = this.#cutter?.rest();
    if (rest !== undefined) this.#pacer.send(rest);
  }

  /** The connection is over. */
  end(): void {
    this.#healed = true;
    this.#pacer.end();
    this.#holds.end();
    this.#cutter?.end();
  }

  #pass(piece: Buffer): void {
    const { direction, dialogue, faults, listens, marks } = this.#options;
    if (this.#cutter !== undefined) this.#lines += 1;
    const verb = listens ? dialogue.verbOf(piece, direction) : undefined;
    const passing = { line: this.#lines, bytesBefore: this.#bytes, verb };
    this.#bytes += piece.length;
    const struck = faults.filter((armed) => armed.strikes(passing, marks));
    const line = this.#changed(piece, struck, passing);
    this.#remember(piece);
    if (line === undefined) return;
    let way = CLEAR;
    for (const armed of struck) {
      const next = under(way, armed);
      if (next !== way) this.#options.fired(armed.fault.kind);
      way = next;
    }
    const passes = this.#holds.with(line, verb);
    if (way === CLEAR) this.#through.push(...passes);
    else this.#go(passes.length === 1 ? line : Buffer.concat(passes), way);
  }

  /** @returns undefined where the line waits for another one */
  #changed(piece: Buffer, struck: readonly ArmedFault[], { verb }: Passing): Buffer | undefined {
    const answerBefore = this.#wantsAnswers ? this.#options.dialogue.answerBefore(piece, verb) : undefined;
    let line: Buffer | undefined = piece;
    for (const armed of struck) {
      if (line === undefined || line.length === 0) return line;
      const { kind, ms } = armed.fault;
      if (kind === "reorder") line = this.#held(armed, line, this.#holds.overtake(line, ms));
      else if (kind === "swap-answers") line = this.#held(armed, line, this.#holds.swap(line, verb, ms));
      else if (kind === "restart" || kind === "crash") this.#act(armed, kind);
      else if (kind === "garble" || !kindOf(kind).onChunks) {
        const { fault, random } = armed;
        const changed = change(line, { fault, random, earlier: this.#earlier, answerBefore });
        if (changed === undefined) armed.missed();
        else this.#options.fired(kind);
        line = changed ?? line;
      }
    }
    return line;
  }

  #held(armed: ArmedFault, line: Buffer, passes: Buffer | undefined): Buffer | undefined {
    if (passes === line) armed.missed();
    else this.#options.fired(armed.fault.kind);
    return passes;
  }

  /** What came before is through before it happens. */
  #act(armed: ArmedFault, kind: "restart" | "crash"): void {
    this.#flush();
    if (this.#options.act(kind)) this.#options.fired(kind);
    else armed.missed();
  }

  #go(bytes: Buffer, way: Way): void {
    this.#flush();
    if (way.write !== "passed") this.#write = way.write;
    if (way.standMs > 0) this.#pacer.stand(way.standMs);
    if (way.darkMs !== undefined) this.#pacer.darken(way.darkMs);
    if (way.unplug) this.#options.unplug();
    else if (way.write === "passed") this.#send(bytes, way);
  }

  #send(bytes: Buffer, way: Way): void {
    if (way.split !== undefined) {
      const { ms } = way.split;
      for (const [i, chunk] of splitChunks(bytes, way.split, this.#splits++).entries()) {
        this.#pacer.send(chunk, way.delayMs + i * ms, way.baud);
      }
    } else if (way.glueMs !== undefined) this.#holds.glue(bytes, way.glueMs);
    else this.#pacer.send(this.#holds.unglue(bytes), way.delayMs, way.baud);
  }

  #flush(): void {
    const [first] = this.#through;
    if (first === undefined) return;
    const bytes = this.#through.length === 1 ? first : Buffer.concat(this.#through);
    this.#through = [];
    this.#pacer.send(this.#holds.unglue(bytes));
  }

  #remember(line: Buffer): void {
    this.#earlier.push(line);
    if (this.#earlier.length > EARLIER_LINES) this.#earlier.shift();
  }
}
