/**
 * Plays a recording to a host: turns the bench's clock from one event to the next, those of the recording and the
 * host's own timers, in the order of their times. A timer that is due together with an event comes first, as in
 * `LiveClock`. Whoever waits for something has it turned; while nobody waits, it stands still.
 */
import { setImmediate as turn } from "node:timers/promises";
import { type Clock, systemClock } from "../../host/device/clock.ts";
import { before } from "../rig/deadline.ts";
import { VirtualClock } from "../rig/virtual-clock.ts";
import { RecordingError } from "./error.ts";
import type { Control, Event } from "./format.ts";
import { type Pace, Pacer } from "./pace.ts";
import { type Due, Script } from "./script.ts";

/** A host that is to do something now, and waits for no timer, may be busy for so long, in real time. */
const BUSY_MS = 100;

export interface PlayerOptions {
  readonly events: readonly Event[];
  /** Default as fast as possible. */
  readonly pace?: Pace;
  /** Does what the device did. @returns whether anybody heard it */
  readonly deliver: (event: Event) => boolean;
  /** Default the system's. */
  readonly real?: Clock;
}

export class Player {
  readonly clock = new VirtualClock();
  readonly #script: Script;
  readonly #pacer: Pacer;
  readonly #deliver: (event: Event) => boolean;
  readonly #real: Clock;
  readonly #failed = Promise.withResolvers<never>();
  #failure: RecordingError | undefined;
  #waiting = 0;
  #turning = false;
  #busySinceMs: number | undefined;

  constructor({ events, pace = { kind: "max" }, deliver, real = systemClock }: PlayerOptions) {
    this.#script = new Script(events);
    this.#pacer = new Pacer(pace, real);
    this.#deliver = deliver;
    this.#real = real;
    // Whoever waits hears of it; if nobody does, `close` says it.
    this.#failed.promise.catch(() => {});
  }

  /** @throws RigError RIG_DEADLINE; RecordingError RECORDING_MISMATCH; what `work` throws */
  settle<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
    const whole = Promise.race([work, this.#failed.promise]);
    return this.#turnFor(before(whole, "what the case waits for", [{ clock: this.clock, ms: deadlineMs }]));
  }

  /** The host asks for something that takes time. @throws RecordingError RECORDING_MISMATCH */
  call(connection: number, what: string, fits: (control: Control) => boolean): Promise<Control> {
    const done = new Promise<Control>((resolve, reject) => {
      try {
        this.#script.called(connection, what, fits, resolve);
        this.#busySinceMs = undefined;
      } catch (error) {
        reject(this.#fail(error));
      }
    });
    return this.#turnFor(Promise.race([done, this.#failed.promise]));
  }

  /** @throws RecordingError RECORDING_MISMATCH */
  wrote(connection: number, bytes: Uint8Array): void {
    try {
      this.#script.wrote(connection, bytes, this.clock.nowUs);
      this.#busySinceMs = undefined;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /**
   * Has happen what is left of it without the host: ends of lines, and what comes while the host ends one.
   *
   * @throws RecordingError RECORDING_LEFTOVER, or what went wrong before
   */
  async close(): Promise<void> {
    for (;;) {
      await turn();
      const due = this.#failure === undefined ? this.#due() : undefined;
      if (due === undefined) break;
      // Bytes for a host that waits for nothing more are left over; the host's own end of the line may be under way.
      if (due.bytes > 0 && !this.#script.isCalled) this.#fail(leftOver(this.#script.left));
      if (!(await this.#pacer.until(due.atUs))) this.#step(due);
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#script.finished) throw leftOver(this.#script.left);
  }

  async #turnFor<T>(work: Promise<T>): Promise<T> {
    this.#waiting += 1;
    if (!this.#turning) void this.#turnAll();
    try {
      return await work;
    } finally {
      this.#waiting -= 1;
    }
  }

  async #turnAll(): Promise<void> {
    this.#turning = true;
    for (;;) {
      // What the one before set off comes first.
      await turn();
      if (this.#waiting === 0 || this.#failure !== undefined) break;
      const due = this.#due();
      const nextUs = Math.min(due?.atUs ?? Number.POSITIVE_INFINITY, this.clock.dueUs ?? Number.POSITIVE_INFINITY);
      if (this.#isBusy(nextUs)) continue;
      if (nextUs === Number.POSITIVE_INFINITY) {
        this.#fail(new RecordingError("RECORDING_MISMATCH", `the host does nothing; left are ${this.#script.left}`));
      } else if (!(await this.#pacer.until(nextUs))) this.#step(due);
    }
    this.#turning = false;
  }

  #due(): Due | undefined {
    const due = this.#script.due(this.clock.nowUs);
    return due && { ...due, atUs: this.#pacer.arrivalUs(due.atUs, due.bytes) };
  }

  /** Whether the host is to do something now and may still be at it: then no time may pass. */
  #isBusy(nextUs: number): boolean {
    const awaitedUs = this.#script.awaitedUs;
    const idle = nextUs === Number.POSITIVE_INFINITY;
    if (!idle && (awaitedUs === undefined || awaitedUs > this.clock.nowUs)) return false;
    this.#busySinceMs ??= this.#real.nowMs();
    return this.#real.nowMs() - this.#busySinceMs < BUSY_MS;
  }

  #step(due: Due | undefined): void {
    const timerUs = this.clock.dueUs;
    if (timerUs !== undefined && timerUs <= (due?.atUs ?? Number.POSITIVE_INFINITY)) {
      this.clock.fire();
    } else if (due !== undefined) {
      this.clock.moveTo(due.atUs);
      this.#pacer.arrived(due.atUs);
      this.#busySinceMs = undefined;
      const event = due.take();
      if (!this.#deliver(event)) this.#fail(leftOver(unheard(event)));
    }
  }

  #fail(error: unknown): RecordingError {
    const failure =
      error instanceof RecordingError
        ? error
        : new RecordingError("RECORDING_MISMATCH", String(error), { cause: error });
    this.#failure ??= failure;
    this.#failed.reject(this.#failure);
    return this.#failure;
  }
}

function leftOver(what: string): RecordingError {
  return new RecordingError("RECORDING_LEFTOVER", what);
}

function unheard(event: Event): string {
  const what = event.code === "r" ? `${event.bytes.length} bytes` : "an event";
  const where = "connection" in event ? ` on connection ${event.connection}` : "";
  return `nobody hears ${what}${where} any more`;
}
