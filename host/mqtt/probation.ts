/**
 * What was set aside, and when it is tried again. Pure.
 *
 * A message found guilty by suspicion alone may be a good one, on a link or at a broker that loses what it is given: it is
 * tried again once a connection has lasted, and then every hour. What the broker refused in so many words waits for a restart.
 */
import type { MqttErrorCode } from "./errors.ts";

/** By these it was only suspected: the broker hung up, or spoke of a message without saying which. */
export const SUSPECTED: readonly string[] = ["MQTT_LOST", "MQTT_BLAMED"] satisfies MqttErrorCode[];
/** A connection that lived this long: whatever made the ones before it end is over. */
const LASTED_MS = 600_000;
const AGAIN_MS = 3_600_000;

export class Probation {
  /** By position; until the broker has acknowledged it, so that a new trial is no end of the trouble. */
  readonly #codes = new Map<number, string>();
  /** Of the last trial; before the first, of the first that was suspected. */
  #sinceMs: number | undefined;
  #tried = false;

  /** Messages that were set aside and have not got through since. */
  get size(): number {
    return this.#codes.size;
  }

  /** @returns whether it is the first time */
  park(position: number, code: string, nowMs: number): boolean {
    const first = !this.#codes.has(position);
    this.#codes.set(position, code);
    if (SUSPECTED.includes(code)) this.#sinceMs ??= nowMs;
    return first;
  }

  acknowledged(position: number): void {
    if (!this.#codes.delete(position) || this.#suspects()) return;
    [this.#sinceMs, this.#tried] = [undefined, false];
  }

  /** None of them is there any more. */
  clear(): void {
    this.#codes.clear();
    [this.#sinceMs, this.#tried] = [undefined, false];
  }

  /**
   * Whether those suspected are to be tried now.
   * @param connectedMs how long the connection has lived
   */
  due(connectedMs: number, nowMs: number): boolean {
    if (this.#sinceMs === undefined) return false;
    const early = !this.#tried && connectedMs >= LASTED_MS;
    return early || nowMs - this.#sinceMs >= AGAIN_MS;
  }

  tried(nowMs: number): void {
    [this.#sinceMs, this.#tried] = [nowMs, true];
  }

  #suspects(): boolean {
    return [...this.#codes.values()].some((code) => SUSPECTED.includes(code));
  }
}
