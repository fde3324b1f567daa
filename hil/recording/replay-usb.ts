/** A recorded USB line, for the host to talk to. */
import { DEVICE_ERRORS, DeviceError, type DeviceErrorCode } from "../../host/device/errors.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type { Transport } from "../../host/device/transport.ts";
import type { UsbBench } from "../rig/bench.ts";
import { LastChunks } from "../rig/last-chunks.ts";
import type { BenchFor } from "../rig/target.ts";
import type { Control, Event, Recording } from "./format.ts";
import type { Pace } from "./pace.ts";
import { Player } from "./player.ts";
import { ACTS } from "./script.ts";

export interface ReplayOptions {
  /** Default `max`. */
  readonly pace?: Pace;
}

/** A fresh bench that plays the recording. */
export function replayUsb({ header, events }: Recording, { pace }: ReplayOptions = {}): BenchFor<"usb"> {
  const lines = new Map<number, ReplayedLine>();
  const deliver = (event: Event) => {
    if (event.code === "r") return lines.get(event.connection)?.hear(event.bytes) ?? false;
    if (event.code === "c" && event.control.op === "close" && event.control.by === "device")
      lines.get(event.connection)?.end(new Error(event.control.reason));
    return true;
  };
  const player = new Player({ events, deliver, ...(pace === undefined ? {} : { pace }) });
  const { clock } = player;
  const last = new LastChunks(() => clock.nowUs);
  const latencies: Record<string, number[]> = {};
  let connections = 0;
  const bench: UsbBench = {
    kind: "usb",
    target: "replay",
    clock,
    utcMs: () => header.startedUtcMs + clock.nowMs(),
    random: new Seeded(header.seed).next,
    can: new Set(header.can),
    act: async (ability) => {
      await player.call(ACTS, ability, (control) => control.op === "act" && control.ability === ability);
    },
    settle: (work, deadlineMs) => player.settle(work, deadlineMs),
    measured: (name, ms) => {
      latencies[name] ??= [];
      latencies[name].push(ms);
    },
    note: () => {},
    connect: async () => {
      connections += 1;
      const connection = connections;
      const opened = await player.call(connection, "a line", ({ op }) => op === "open");
      if (opened.op === "open" && opened.error !== undefined) throw openError(opened.error);
      const rated = opened.op === "open" && opened.rated;
      const line = rated ? new RatedReplayedLine(player, connection) : new ReplayedLine(player, connection);
      lines.set(connection, line);
      return last.through(line);
    },
  };
  return {
    bench,
    last: () => last.list(),
    latencies: () => latencies,
    notes: () => notesOf({ header }),
    close: () => player.close(),
  };
}

/** What a reader of the verdict must know of the recording. */
export function notesOf({ header }: Pick<Recording, "header">): string[] {
  const notes = [`recorded from ${header.target.name}${header.simulated ? ", simulated" : ""}`];
  if (header.framing === "reconstructed") notes.push("framing reconstructed");
  if (header.note !== undefined) notes.push(header.note);
  return notes;
}

function openError({ code, detail }: { readonly code: string; readonly detail: string }): Error {
  const known = (text: string): text is DeviceErrorCode => text in DEVICE_ERRORS;
  return known(code) ? new DeviceError(code, detail) : new Error(detail);
}

class ReplayedLine implements Transport {
  readonly name: string;
  protected readonly player: Player;
  protected readonly connection: number;
  #ended: Error | undefined;
  #closing: Promise<void> | undefined;
  #onChunk: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};

  constructor(player: Player, connection: number) {
    this.name = `recording-${connection}`;
    this.player = player;
    this.connection = connection;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    this.player.wrote(this.connection, bytes);
  }

  /** @returns false once it has ended */
  hear(bytes: Uint8Array): boolean {
    if (this.#ended !== undefined) return false;
    this.#onChunk(bytes);
    return true;
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
    if (this.#ended !== undefined) listener(this.#ended);
  }

  /** What the device had said before it was closed comes first. Never throws: a mismatch is told where it is waited for. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const isClose = (control: Control) => control.op === "close" && control.by === "host";
    await this.player.call(this.connection, "the line's end", isClose).catch(() => {});
    this.end(new Error("the line was closed"));
  }

  end(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#onClose(reason);
  }
}

class RatedReplayedLine extends ReplayedLine {
  async setRate(baud: number): Promise<void> {
    const isRate = (control: Control) => control.op === "baud" && control.baud === baud;
    const changed = await this.player.call(this.connection, `${baud} baud`, isRate);
    if (changed.op === "baud" && changed.error !== undefined) throw new Error(changed.error);
  }
}
