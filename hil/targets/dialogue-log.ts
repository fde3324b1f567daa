/** What a bench keeps of its device's wires: lines for cases, the last chunks for reports. Both bounded. */
import type { Dialogue, SaidLine, StratumTap } from "../rig/dialogue.ts";
import type { Passed } from "../rig/report.ts";

const LINES_KEPT = 20_000;
const CHUNKS_KEPT = 200;
/** Of a line that does not end; the bridge drops such a device long before. */
const PENDING_CHARS = 65_536;

interface Waiter {
  readonly holds: (line: SaidLine) => boolean;
  readonly resolve: (line: SaidLine) => void;
}

export class DialogueLog implements Dialogue, StratumTap {
  readonly lines: SaidLine[] = [];
  readonly #chunks: Passed[] = [];
  readonly #waiters = new Set<Waiter>();
  /** By connection and side: what has no line end yet. */
  readonly #pending = new Map<string, string>();

  first(holds: (line: SaidLine) => boolean): Promise<SaidLine> {
    const there = this.lines.find(holds);
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((resolve) => this.#waiters.add({ holds, resolve }));
  }

  /** What went over the wires last. */
  last(): readonly Passed[] {
    return [...this.#chunks];
  }

  opened(): void {}

  passed(connection: number, from: SaidLine["from"], bytes: Uint8Array, atMs: number): void {
    const direction = from === "host" ? "write" : "read";
    this.#chunks.push({ atUs: Math.round(atMs * 1000), direction, bytes: Uint8Array.from(bytes) });
    if (this.#chunks.length > CHUNKS_KEPT) this.#chunks.shift();
    const key = `${connection}/${from}`;
    const texts = ((this.#pending.get(key) ?? "") + Buffer.from(bytes).toString("utf8")).split("\n");
    this.#pending.set(key, (texts.pop() ?? "").slice(-PENDING_CHARS));
    for (const text of texts) this.#line({ connection, from, atMs, text });
  }

  closed(connection: number): void {
    this.#pending.delete(`${connection}/host`);
    this.#pending.delete(`${connection}/device`);
  }

  #line(line: SaidLine): void {
    this.lines.push(line);
    if (this.lines.length > LINES_KEPT) this.lines.shift();
    for (const waiter of [...this.#waiters]) {
      if (!waiter.holds(line)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(line);
    }
  }
}

/** One tap for several. */
export class Taps implements StratumTap {
  readonly #taps: StratumTap[];

  constructor(...taps: StratumTap[]) {
    this.#taps = taps;
  }

  add(tap: StratumTap): void {
    this.#taps.push(tap);
  }

  opened(...of: Parameters<StratumTap["opened"]>): void {
    for (const tap of this.#taps) tap.opened(...of);
  }

  passed(...of: Parameters<StratumTap["passed"]>): void {
    for (const tap of this.#taps) tap.passed(...of);
  }

  closed(...of: Parameters<StratumTap["closed"]>): void {
    for (const tap of this.#taps) tap.closed(...of);
  }
}
