/**
 * A recording as what is to happen: what the host must do, and what the device then does. No time passes in here.
 *
 * Both directions are streams of bytes, which chunks only cut. What the device did comes when everything that the host
 * had done before is done. The host may be ahead of the device, where it does not wait for answers, and may not do
 * anything else, or in another order, than when it was recorded.
 */
import { RecordingError } from "./error.ts";
import type { Control, Event } from "./format.ts";
import { shownLine } from "./shown.ts";

type Written = Extract<Event, { code: "w" | "r" }>;
/** What the host asks for and then waits for. */
export type Call = Exclude<Control, { op: "lines" | "accept" }>;

export type Step =
  | { readonly kind: "write"; readonly event: Written; matched: number; done: boolean }
  | { readonly kind: "call"; readonly event: Controlled; called: (() => void) | undefined; done: boolean }
  | { readonly kind: "device"; readonly event: Written | Controlled; done: boolean };
type Controlled = Extract<Event, { code: "c" }>;

const LINE_FEED = 10;
/** What is done to the device is in no order with what is written meanwhile. */
export const ACTS = 0;

export interface Due {
  readonly atUs: number;
  /** That the device says. */
  readonly bytes: number;
  /** Has it happen. @returns the event; of a call, whoever waits for it goes on */
  take(): Event;
}

export class Script {
  readonly #steps: readonly Step[];
  #head = 0;
  /** How much later the host is than when it was recorded. */
  #lagUs = 0;
  /** By connection: what the host wrote of the line that is not whole. */
  readonly #partial = new Map<number, Buffer>();

  constructor(events: readonly Event[]) {
    this.#steps = events.flatMap(stepOf);
  }

  get finished(): boolean {
    this.#skipDone();
    return this.#head === this.#steps.length;
  }

  /** What has not happened, shortly; empty if nothing. */
  get left(): string {
    const left = this.#steps.filter(({ done }) => !done);
    const [first] = left;
    return first === undefined ? "" : `${left.length} events, the first ${describe(first)}`;
  }

  /** Whether the host has asked for something that has not happened yet. */
  get isCalled(): boolean {
    return this.#steps.some((step) => step.kind === "call" && step.called !== undefined && !step.done);
  }

  /** When the host was to do what is next; undefined where that is not the host's. */
  get awaitedUs(): number | undefined {
    const step = this.#next();
    const waits = step?.kind === "write" || (step?.kind === "call" && step.called === undefined);
    return waits ? step.event.atUs + this.#lagUs : undefined;
  }

  /** What happens next by itself, and when; undefined while it is the host's turn, and at the end. */
  due(nowUs: number): Due | undefined {
    const step = this.#next();
    if (step === undefined || step.kind === "write") return undefined;
    if (step.kind === "call" && step.called === undefined) return undefined;
    return {
      atUs: Math.max(nowUs, step.event.atUs + this.#lagUs),
      bytes: step.event.code === "c" ? 0 : step.event.bytes.length,
      take: () => {
        step.done = true;
        if (step.kind === "call") step.called?.();
        return step.event;
      },
    };
  }

  /** @throws RecordingError RECORDING_MISMATCH */
  wrote(connection: number, bytes: Uint8Array, nowUs: number): void {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let rest = all;
    while (rest.length > 0) {
      const step = this.#nextOfHost(connection);
      if (step?.kind !== "write") throw this.#mismatch(connection, rest, step);
      const wanted = step.event.bytes.subarray(step.matched, step.matched + rest.length);
      if (!wanted.equals(rest.subarray(0, wanted.length))) throw this.#mismatch(connection, rest, step);
      this.#keepPartial(connection, wanted);
      step.matched += wanted.length;
      rest = rest.subarray(wanted.length);
      if (step.matched === step.event.bytes.length) this.#wroteWhole(step, nowUs);
    }
  }

  /** @param connection or `ACTS` @param done called when it has happened @throws RecordingError RECORDING_MISMATCH */
  called(
    connection: number,
    call: string,
    fits: (control: Control) => boolean,
    done: (control: Control) => void,
  ): void {
    const step = this.#nextOfHost(connection);
    if (step?.kind !== "call" || !fits(step.event.control)) {
      const next = step === undefined ? "nothing more" : describe(step);
      throw new RecordingError("RECORDING_MISMATCH", `the host asks for ${call}; recorded is ${next}`);
    }
    step.called = () => done(step.event.control);
  }

  #next(): Step | undefined {
    this.#skipDone();
    return this.#steps[this.#head];
  }

  #skipDone(): void {
    while (this.#steps[this.#head]?.done) this.#head += 1;
  }

  /** What the host was to do next on this connection. */
  #nextOfHost(connection: number): Step | undefined {
    this.#skipDone();
    for (let at = this.#head; at < this.#steps.length; at++) {
      const step = this.#steps[at];
      if (step === undefined || step.done || step.kind === "device" || queueOf(step) !== connection) continue;
      if (step.kind !== "call" || step.called === undefined) return step;
    }
    return undefined;
  }

  #wroteWhole(step: Step, nowUs: number): void {
    // Ahead of the device, its time says nothing.
    if (this.#steps[this.#head] === step) this.#lagUs = nowUs - step.event.atUs;
    step.done = true;
  }

  #keepPartial(connection: number, bytes: Buffer): void {
    const all = Buffer.concat([this.#partial.get(connection) ?? Buffer.alloc(0), bytes]);
    this.#partial.set(connection, all.subarray(all.lastIndexOf(LINE_FEED) + 1));
  }

  #mismatch(connection: number, rest: Buffer, step: Step | undefined): RecordingError {
    const begun = this.#partial.get(connection) ?? Buffer.alloc(0);
    const recorded = step?.kind === "write" ? this.#recordedFrom(step) : Buffer.alloc(0);
    // Where one write holds several lines, those that are the same say nothing.
    const [ours, theirs] = withoutSameLines(Buffer.concat([begun, rest]), Buffer.concat([begun, recorded]));
    const wanted = step?.kind === "write" ? shownLine(theirs) : step === undefined ? "nothing more" : describe(step);
    const where = connection === 1 ? "" : ` on connection ${connection}`;
    return new RecordingError(
      "RECORDING_MISMATCH",
      `the host writes ${shownLine(ours)}${where}; recorded is ${wanted}`,
    );
  }

  /** What the host was to write from here on, as far as it stands in one piece. */
  #recordedFrom(step: Extract<Step, { kind: "write" }>): Buffer {
    const pieces = [step.event.bytes.subarray(step.matched)];
    const { connection } = step.event;
    for (const next of this.#steps.slice(this.#steps.indexOf(step) + 1)) {
      if (pieces.some((piece) => piece.includes(LINE_FEED)) || next.kind === "call") break;
      if (next.kind === "write" && next.event.connection === connection) pieces.push(next.event.bytes);
    }
    return Buffer.concat(pieces);
  }
}

function queueOf({ event }: Step): number {
  return event.code === "c" && event.control.op === "act" ? ACTS : event.connection;
}

function stepOf(event: Event): Step[] {
  switch (event.code) {
    case "w":
      return event.bytes.length === 0 ? [] : [{ kind: "write", event, matched: 0, done: false }];
    case "r":
      return event.bytes.length === 0 ? [] : [{ kind: "device", event, done: false }];
    case "c":
      return controlStep(event);
    case "m":
    case "x":
      return [];
  }
}

function controlStep(event: Controlled): Step[] {
  const { control } = event;
  switch (control.op) {
    case "lines":
      return [];
    case "accept":
      return [{ kind: "device", event, done: false }];
    case "close":
      if (control.by === "device") return [{ kind: "device", event, done: false }];
      return [{ kind: "call", event, called: undefined, done: false }];
    case "open":
    case "baud":
    case "act":
      return [{ kind: "call", event, called: undefined, done: false }];
  }
}

function describe({ kind, event }: Step): string {
  const where = event.connection === 1 ? "" : ` on connection ${event.connection}`;
  if (event.code === "c") return `${event.control.op}${where}`;
  return `${kind === "write" ? "that the host writes" : "that the device says"} ${shownLine(event.bytes)}${where}`;
}

function withoutSameLines(ours: Buffer, theirs: Buffer): readonly [Buffer, Buffer] {
  for (;;) {
    const end = ours.indexOf(LINE_FEED) + 1;
    if (end === 0 || end === ours.length || !ours.subarray(0, end).equals(theirs.subarray(0, end)))
      return [ours, theirs];
    ours = ours.subarray(end);
    theirs = theirs.subarray(end);
  }
}
