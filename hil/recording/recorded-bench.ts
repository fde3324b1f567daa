/** A bench with a tape along its lines: what the case sees is the same bench. */
import type { Clock } from "../../host/device/clock.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type { StratumBench, UsbBench } from "../rig/bench.ts";
import { before } from "../rig/deadline.ts";
import type { StratumTap } from "../rig/dialogue.ts";
import type { HiddenIds } from "../rig/hidden-id.ts";
import type { Event } from "./format.ts";
import { LiveClock, type TapeClock } from "./live-clock.ts";
import { recordedConnect, Tape } from "./recorder.ts";
import { RunningClock } from "./running-clock.ts";

export interface Taping {
  /** Takes an event; may not throw. Called from the first connection on. */
  readonly add: (event: Event) => void;
  readonly seed: number;
  /** Whether the clock stands still while something is dealt with, so that the recording plays back to the microsecond. */
  readonly exact: boolean;
}

/** Its `clock` begins at 0, and its `utcMs` says when that is. */
export interface Taped<Bench> {
  readonly bench: Bench;
  readonly tape: Tape;
  /** Once what the host still waits for is over, nothing is noted any more, and no timer of the case is called. */
  stop(): Promise<void>;
}

/** How much longer the bench itself may wait than the case does. */
const SLACK_MS = 1000;
/** How long a line may take to close. */
const QUIET_MS = 3000;
const US_PER_MS = 1000;
const NOTHING: Buffer = Buffer.alloc(0);

/** @param hidden of everything but models: nothing is kept that tells which device it is */
export function tapedUsb(inner: UsbBench, { add, seed, exact }: Taping, hidden?: HiddenIds): Taped<UsbBench> {
  const startedUtcMs = Math.round(inner.utcMs());
  const { clock, tape, stop } = reelOf(inner.clock, add, exact);
  const bench: UsbBench = {
    kind: "usb",
    ...{ target: inner.target, can: inner.can, clock, random: new Seeded(seed).next },
    utcMs: () => startedUtcMs + clock.nowMs(),
    act: (ability) => recordedAct(inner.act(ability), ability, clock, tape),
    // The inner bench may have to turn its clock for it.
    settle: (work, deadlineMs) =>
      inner.settle(before(work, "what the case waits for", [{ clock, ms: deadlineMs }]), deadlineMs + SLACK_MS),
    measured: (name, ms) => measured(inner, tape, name, ms),
    note: (note) => tape.note(note),
    connect: () => recordedConnect(() => inner.connect(), { tape, clock, hidden }),
  };
  return { bench, tape, stop };
}

/** A worker's name, and what stands for it. */
export interface HiddenName {
  readonly name: string;
  readonly shown: string;
}

export function tapedStratum(inner: StratumBench, { add, exact }: Taping, hidden?: HiddenName): Taped<StratumBench> {
  const { clock, tape, stop } = reelOf(inner.clock, add, exact);
  inner.tap(tapOn(tape, hidden), clock);
  const bench: StratumBench = {
    kind: "stratum",
    ...{ target: inner.target, can: inner.can, clock, random: inner.random, difficulty: inner.difficulty },
    ...{ dialogue: inner.dialogue, jobs: inner.jobs },
    utcMs: () => inner.utcMs(),
    act: (ability) => recordedAct(inner.act(ability), ability, clock, tape),
    settle: (work, deadlineMs) => inner.settle(work, deadlineMs),
    measured: (name, ms) => measured(inner, tape, name, ms),
    note: (note) => tape.note(note),
    bridge: (choices) => inner.bridge(choices),
    tap: (tap) => inner.tap(tap),
    damage: (damage) => inner.damage(damage),
    between: (make) => inner.between(make),
    pass: (ms) => inner.pass(ms),
  };
  return { bench, tape, stop };
}

function reelOf(source: Clock, add: Taping["add"], exact: boolean) {
  const clock = exact ? new LiveClock(source) : new RunningClock(source);
  const tape = new Tape(() => clock.nowUs, add);
  const stop = async () => {
    await clock.quiet(QUIET_MS);
    tape.stop();
    clock.stop();
  };
  return { clock, tape, stop };
}

function measured(inner: UsbBench | StratumBench, tape: Tape, name: string, ms: number): void {
  inner.measured(name, ms);
  tape.note({ mark: `${name} took ${ms.toFixed(3)} ms` });
}

function recordedAct(acting: Promise<void>, ability: "restart" | "crash" | "replug", clock: TapeClock, tape: Tape) {
  return clock.ended(acting, ({ error }) => {
    if (error === undefined) tape.control({ op: "act", ability });
  });
}

function tapOn(tape: Tape, hidden: HiddenName | undefined): StratumTap {
  const names = new Map<number, NameRedaction>();
  const us = (ms: number) => Math.floor(ms * US_PER_MS);
  return {
    opened: (connection, atMs) => {
      if (hidden !== undefined) names.set(connection, new NameRedaction(hidden));
      tape.control({ op: "accept" }, connection, us(atMs));
    },
    passed: (connection, from, bytes, atMs) => {
      const kept = from === "device" ? (names.get(connection)?.read(bytes) ?? bytes) : bytes;
      if (kept.length > 0) tape.bytes(from === "host" ? "w" : "r", connection, kept, us(atMs));
    },
    closed: (connection, by, reason, atMs) => {
      const rest = names.get(connection)?.end() ?? NOTHING;
      if (rest.length > 0) tape.bytes("r", connection, rest, us(atMs));
      tape.control({ op: "close", by, reason }, connection, us(atMs));
    },
  };
}

/** Whole lines, in which another name stands in the worker's place. */
class NameRedaction {
  readonly #name: string;
  readonly #shown: string;
  #rest = "";

  constructor({ name, shown }: HiddenName) {
    this.#name = JSON.stringify(name).slice(1, -1);
    this.#shown = shown;
  }

  read(bytes: Uint8Array): Buffer {
    const text = this.#rest + Buffer.from(bytes).toString("latin1");
    const end = text.lastIndexOf("\n") + 1;
    this.#rest = text.slice(end);
    return this.#without(text.slice(0, end));
  }

  /** The connection is over, perhaps within a line. */
  end(): Buffer {
    const rest = this.#rest;
    this.#rest = "";
    return this.#without(rest);
  }

  #without(text: string): Buffer {
    return Buffer.from(text.replaceAll(`"${this.#name}`, `"${this.#shown}`), "latin1");
  }
}
