/** What is said between a pool and a device, as cases and recorders see it: bytes, and the lines they make. */
import type { Clock } from "../../host/device/clock.ts";

/** What goes over the wires of a device, the pool's own side. What a case's raw clients say is not among it. */
export interface StratumTap {
  /** @param connection counted from 1 @param atMs of the bench's clock */
  opened(connection: number, atMs: number): void;
  /** @param from `host` is the pool */
  passed(connection: number, from: "host" | "device", bytes: Uint8Array, atMs: number): void;
  /** @param reason the bridge's, as `host/device/stratum/limits.ts` lists them */
  closed(connection: number, by: "host" | "device", reason: string, atMs: number): void;
}

/** The time that a recorder keeps: the host goes by it, and what comes from outside is dealt with one by one. */
export interface TapTime extends Clock {
  happened(deal: () => void): void;
}

/** One line, without its end. */
export interface SaidLine {
  readonly connection: number;
  readonly from: "host" | "device";
  /** Of the bench's clock, when its last byte passed. */
  readonly atMs: number;
  readonly text: string;
}

export interface Dialogue {
  /** In order, bounded: the oldest go. */
  readonly lines: readonly SaidLine[];
  /**
   * The first line, of those there are and those that come, for which it holds. It waits for ever: `settle` bounds it.
   * Whoever waits goes on right after the line was dealt with, before the next: as a recording needs it.
   */
  first(holds: (line: SaidLine) => boolean): Promise<SaidLine>;
}
