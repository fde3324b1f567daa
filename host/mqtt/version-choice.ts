/**
 * Which version of MQTT is tried first. Pure.
 *
 * An old broker is asked in 3.1.1 while it comes and goes. It may have been replaced, or have refused MQTT 5 only while it
 * started: after a connection that lasted, or an hour, MQTT 5 is tried first again; over 3.1.1 no message can be refused.
 */
import type { ProtocolVersion } from "./connection.ts";

const OLD_FOR_MS = 3_600_000;

export class VersionChoice {
  #oldUntilMs = Number.NEGATIVE_INFINITY;

  first(nowMs: number): ProtocolVersion {
    return nowMs < this.#oldUntilMs ? 4 : 5;
  }

  accepted(version: ProtocolVersion, nowMs: number): void {
    if (this.first(nowMs) !== version) this.#oldUntilMs = version === 4 ? nowMs + OLD_FOR_MS : Number.NEGATIVE_INFINITY;
  }

  /** A connection that lasted is over. */
  lasted(): void {
    this.#oldUntilMs = Number.NEGATIVE_INFINITY;
  }
}
