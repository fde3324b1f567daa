/** Whether another client uses this one's name at the broker: it stays told while the two throw each other out. Pure. */
import type { MqttErrorCode } from "./errors.ts";

/** How a connection ended that had been accepted. */
export interface Ending {
  readonly code: MqttErrorCode | "INTERNAL";
  /** Since the broker accepted it. */
  readonly livedMs: number;
  /** Nothing waited for an acknowledgement, nothing had been refused: the broker did not hang up because of a message. */
  readonly unprovoked: boolean;
  /** The broker said DISCONNECT, and with it why: shutting down, busy, moved. */
  readonly reasoned: boolean;
}

const TOLD_FOR_MS = 3_600_000;
/**
 * MQTT 3.1.1 has no word for it, and Mosquitto 2.0.11 does not say it over MQTT 5 either: connections that end this soon, this
 * often in a row, are taken for it. It is longer than the pause between two attempts, after which the other is thrown out.
 */
const SHORT_MS = 60_000;
const SHORT_ONES = 3;

export class TakeoverWatch {
  #untilMs = Number.NEGATIVE_INFINITY;
  #short = 0;

  /** @returns whether it was a takeover */
  ended({ code, livedMs, unprovoked, reasoned }: Ending, nowMs: number): boolean {
    if (code !== "MQTT_LOST" || reasoned || livedMs >= SHORT_MS) this.#short = 0;
    else if (unprovoked) this.#short += 1;
    if (code !== "MQTT_TAKEN_OVER" && this.#short < SHORT_ONES) return false;
    this.#untilMs = nowMs + TOLD_FOR_MS;
    return true;
  }

  /** An attempt was not accepted: it is the broker or the network that comes and goes. */
  refused(): void {
    this.#short = 0;
  }

  /** Within an hour of the last one. */
  holds(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }
}
