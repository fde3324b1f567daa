/** Devices that lied, by the id of their HELLO. */

/** A day: long enough for a person to see the alarm, and an end without one. */
const DISTRUST_MS = 86_400_000;
/** Ids come from devices, so that there may be any number of them: the oldest goes first. */
const DEVICES_MAX = 64;

export class DistrustList {
  readonly #sinceMs = new Map<string, number>();

  add(id: string, nowMs: number): void {
    this.#sinceMs.delete(id);
    this.#sinceMs.set(id, nowMs);
    const [oldest] = this.#sinceMs.keys();
    if (this.#sinceMs.size > DEVICES_MAX && oldest !== undefined) this.#sinceMs.delete(oldest);
  }

  has(id: string, nowMs: number): boolean {
    const sinceMs = this.#sinceMs.get(id);
    return sinceMs !== undefined && nowMs - sinceMs < DISTRUST_MS;
  }
}
