/** The device's starts as they truly were, from what it says before the line touches it. */

interface Boot {
  readonly id: string;
  readonly fromMs: number;
  endedMs: number;
}

const SPOKEN = /~[0-9a-f]{4} (?:OK|ERR|NAK|BOOT|WORK) ([0-9a-f]{8}) /;

export class BootHistory {
  readonly #boots: Boot[] = [];
  /** When the last one ended at the latest; the next one began no sooner. */
  #endedMs = 0;

  get count(): number {
    return this.#boots.length;
  }

  /** What the device said, unharmed. @returns whether it speaks of another start than before */
  heard(bytes: Uint8Array, nowMs: number): boolean {
    const id = SPOKEN.exec(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"))?.[1];
    const last = this.#boots.at(-1);
    if (id === undefined || id === last?.id) return false;
    this.ended(nowMs);
    this.#boots.push({ id, fromMs: this.#endedMs, endedMs: Number.POSITIVE_INFINITY });
    return true;
  }

  /** The device was restarted. */
  ended(nowMs: number): void {
    const last = this.#boots.at(-1);
    if (last === undefined || last.endedMs <= nowMs) return;
    last.endedMs = nowMs;
    this.#endedMs = nowMs;
  }

  /** What can be said of an answer under this boot id, asked for and taken at these times. */
  judge(id: string, askedMs: number, takenMs: number): "its own" | "of an earlier start" | "unknown" {
    const boot = this.#boots.find((one) => one.id === id);
    if (boot === undefined) return "unknown";
    return boot.fromMs <= takenMs && boot.endedMs >= askedMs ? "its own" : "of an earlier start";
  }
}
