/** What passes over a bench's lines, noted with the bench's clock. Nothing that passes is changed or kept from passing. */
import { CodedError, errorCode, errorMessage } from "../../host/base/error.ts";
import type { ModemLines, Transport } from "../../host/device/transport.ts";
import type { BenchNote } from "../rig/bench.ts";
import type { HiddenIds } from "../rig/hidden-id.ts";
import type { Control, Event } from "./format.ts";
import type { TapeClock } from "./live-clock.ts";
import { LineRedaction } from "./redaction.ts";

/** One case's events on their way to a file. */
export class Tape {
  readonly #nowUs: () => number;
  readonly #add: (event: Event) => void;
  #lastUs = 0;
  #connections = 0;
  #over = false;
  #redacted = 0;

  /** @param nowUs of the bench's clock @param add takes an event; may not throw */
  constructor(nowUs: () => number, add: (event: Event) => void) {
    this.#nowUs = nowUs;
    this.#add = add;
  }

  /** Lines that a secret was taken out of. */
  get redacted(): number {
    return this.#redacted;
  }

  /** So many more of them. */
  hid(lines: number): void {
    if (!this.#over) this.#redacted += lines;
  }

  /** A number for a new connection, from 1. */
  nextConnection(): number {
    this.#connections += 1;
    return this.#connections;
  }

  bytes(code: "w" | "r", connection: number, bytes: Uint8Array, atUs = this.#nowUs()): void {
    this.#note({ atUs, code, connection, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) });
  }

  control(control: Control, connection = 1, atUs = this.#nowUs()): void {
    this.#note({ atUs, code: "c", connection, control });
  }

  note(note: BenchNote): void {
    const atUs = this.#nowUs();
    this.#note(
      "mark" in note ? { atUs, code: "m", text: note.mark } : { atUs, code: "x", fault: { kind: note.fault } },
    );
  }

  /** Nothing is noted any more. */
  stop(): void {
    this.#over = true;
  }

  #note(event: Event): void {
    if (this.#over) return;
    // A recording's times never go back, whatever clock they were read from.
    this.#lastUs = Math.max(this.#lastUs, event.atUs);
    this.#add({ ...event, atUs: this.#lastUs });
  }
}

/** What a recorded line belongs to. */
export interface Reel {
  readonly tape: Tape;
  readonly clock: TapeClock;
  /** See `LineRedaction`. */
  readonly hidden?: HiddenIds | undefined;
}

/** A line that a tape runs along. */
export function recorded(inner: Transport, reel: Reel, connection: number): Transport {
  return inner.setRate === undefined
    ? new RecordedLine(inner, reel, connection)
    : new RatedRecordedLine(inner, reel, connection);
}

class RecordedLine implements Transport {
  readonly name: string;
  readonly lines?: ModemLines;
  readonly startBaud?: number;
  protected readonly reel: Reel;
  protected readonly connection: number;
  readonly #inner: Transport;
  readonly #redaction: LineRedaction;
  /** Lines without their secret that the tape knows of. */
  #hid = 0;
  #closing: Promise<void> | undefined;
  #hostCloses = false;
  #ended: Error | undefined;
  #onChunk: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};

  constructor(inner: Transport, reel: Reel, connection: number) {
    this.name = inner.name;
    if (inner.lines !== undefined) this.lines = inner.lines;
    if (inner.startBaud !== undefined) this.startBaud = inner.startBaud;
    this.reel = reel;
    this.connection = connection;
    this.#inner = inner;
    this.#redaction = new LineRedaction(reel.hidden);
    inner.onChunk((chunk) => reel.clock.happened(() => this.#read(chunk)));
    inner.onClose((reason) => {
      // Where the host closes it, the end is noted when that is done.
      if (!this.#hostCloses) reel.clock.happened(() => this.#end("device", reason));
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#ended !== undefined) return this.#inner.write(bytes);
    this.#redaction.wrote(bytes);
    this.reel.tape.bytes("w", this.connection, bytes);
    return this.#inner.write(bytes).catch((cause: unknown) => this.#lost(cause));
  }

  /** A write that fails is how some systems tell that the other side has gone: a replay must hear of it as an end. */
  #lost(cause: unknown): Promise<void> {
    const reason = cause instanceof Error ? cause : new Error(errorMessage(cause));
    return this.reel.clock.ended(Promise.reject(reason), () => this.#end("device", reason));
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
    if (this.#ended !== undefined) listener(this.#ended);
  }

  close(): Promise<void> {
    if (this.#ended !== undefined) return this.#inner.close();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #close(): Promise<void> {
    this.#hostCloses = true;
    return this.reel.clock.ended(this.#inner.close(), () => this.#end("host", new Error("the line was closed")));
  }

  #read(chunk: Uint8Array): void {
    if (this.#ended !== undefined) return;
    this.#keep(this.#redaction.read(chunk));
    this.#onChunk(chunk);
  }

  #keep(bytes: Buffer | undefined): void {
    this.reel.tape.hid(this.#redaction.redacted - this.#hid);
    this.#hid = this.#redaction.redacted;
    if (bytes !== undefined) this.reel.tape.bytes("r", this.connection, bytes);
  }

  #end(by: "host" | "device", reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#keep(this.#redaction.end());
    this.reel.tape.control({ op: "close", by, reason: reason.message.slice(0, 200) }, this.connection);
    this.#onClose(reason);
  }
}

class RatedRecordedLine extends RecordedLine {
  readonly #rated: Transport;

  constructor(inner: Transport, reel: Reel, connection: number) {
    super(inner, reel, connection);
    this.#rated = inner;
  }

  setRate(baud: number): Promise<void> {
    const changing = this.#rated.setRate?.(baud) ?? Promise.resolve();
    return this.reel.clock.ended(changing, ({ error }) => {
      const failure = error === undefined ? {} : { error: errorMessage(error) };
      this.reel.tape.control({ op: "baud", baud, ...failure }, this.connection);
    });
  }
}

/** Opens a line and notes it, also where it cannot be had. */
export async function recordedConnect(connect: () => Promise<Transport>, reel: Reel): Promise<Transport> {
  const { tape, clock } = reel;
  const connection = tape.nextConnection();
  let line: Transport | undefined;
  const opening = connect().then((inner) => {
    line = recorded(inner, reel, connection);
    return line;
  });
  return clock.ended(opening, ({ error }) => {
    const detail = error instanceof CodedError ? error.detail : errorMessage(error);
    const failure = error === undefined ? {} : { error: { code: errorCode(error), detail } };
    const rate = line?.startBaud === undefined ? {} : { baud: line.startBaud };
    tape.control({ op: "open", rated: line?.setRate !== undefined, ...rate, ...failure }, connection);
    if (line?.lines !== undefined) tape.control({ op: "lines", ...line.lines }, connection);
  });
}
