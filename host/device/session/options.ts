/** What a session is told, and what it counts. */
import type { Clock } from "../clock.ts";
import type { LinkCounters } from "../link/decoder.ts";
import type { ExchangeCounters, ExchangeHeld } from "./request.ts";
import type { WaitersHeld } from "./waiters.ts";

export interface SessionOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The line's rate in bits a second; default 115,200. */
  readonly baud?: number;
  /** Silence before the first HELLO, in ms: a device that opening the port has reset says its piece. Default 300. */
  readonly quietMs?: number;
  /** How long HELLO is repeated, in ms; default 5,000, a boot with its log. */
  readonly helloMs?: number;
  /** Requests that may wait for credits; default 4,096. */
  readonly queueMax?: number;
  /** Hears the device's log lines: printable, cut, and without anything secret. May not throw. */
  readonly onLog?: (text: string) => void;
}

export interface SessionCounters extends LinkCounters, ExchangeCounters {}

/** What a session holds at a moment: bounded while it lasts; once it is over, nothing but `lingering`. */
export interface SessionHeld extends ExchangeHeld, WaitersHeld {
  /** Who hears of notices, and of the end. */
  readonly listeners: number;
}
