/** What one connection, and all together, may cost. Real miners stay far below every one of these. */
import { StratumError } from "./errors.ts";

export interface Limits {
  /** Connections at once; when they are used up, the oldest that has not authorised itself makes room. */
  readonly connections: number;
  /** Connections at once from one address. */
  readonly connectionsPerAddress: number;
  /** How long a connection may stay without authorising itself, in ms. */
  readonly unauthorisedMs: number;
  /** How long an authorised one may stay silent, in ms. */
  readonly idleMs: number;
  /** Length of a line, and of what may wait for its end, in bytes. Miners' lines have about 200. */
  readonly lineBytes: number;
  /** How deep brackets may nest in a line. Miners' lines have 3 levels. */
  readonly depth: number;
  /** Lines a second, on average. */
  readonly linesPerS: number;
  /** Lines at once, on top of that. */
  readonly lineBurst: number;
  /** Lines that are no messages, before the connection is dropped. */
  readonly malformedLines: number;
  /** Refused authorisations, before the connection is dropped. */
  readonly refusedWorkers: number;
  /** What may wait for a slow reader, in bytes. */
  readonly unreadBytes: number;
  /** Shares that a connection's current jobs may have, all together. */
  readonly shares: number;
  /** Workers whose statistics are kept; the one that was away longest goes first. */
  readonly workers: number;
}

export const DEFAULT_LIMITS: Limits = {
  connections: 256,
  connectionsPerAddress: 128,
  unauthorisedMs: 10_000,
  idleMs: 600_000,
  lineBytes: 4096,
  depth: 8,
  linesPerS: 100,
  lineBurst: 200,
  malformedLines: 5,
  refusedWorkers: 3,
  unreadBytes: 65_536,
  shares: 4096,
  workers: 256,
};

/** @throws StratumError STRATUM_OPTION for a limit that is no whole number from 1 */
export function withDefaults(limits: Partial<Limits> = {}): Limits {
  const all = { ...DEFAULT_LIMITS, ...limits };
  for (const [name, value] of Object.entries(all)) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new StratumError("STRATUM_OPTION", `the limit ${name} is ${value}, not a whole number from 1`);
  }
  return all;
}

/** Why the bridge ends a connection, or the miner did. Counted, and told with every end. */
export const DROP_REASONS = [
  "address-full",
  "bridge-full",
  "closed-by-bridge",
  "closed-by-peer",
  "idle",
  "line-too-long",
  "made-room",
  "malformed",
  "rate",
  "refused-worker",
  "slow-reader",
  "socket-error",
  "unauthorised",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Lines a second as a bucket of tokens. */
export class LineRate {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor({ linesPerS, lineBurst }: Pick<Limits, "linesPerS" | "lineBurst">, nowMs: number) {
    this.#perMs = linesPerS / 1000;
    this.#burst = lineBurst;
    this.#tokens = lineBurst;
    this.#atMs = nowMs;
  }

  /** Whether one more line is within the rate. */
  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
