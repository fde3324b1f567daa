/** Every call that was made and how it ended: at all, and in time. */

interface Entry {
  readonly what: string;
  readonly askedMs: number;
  readonly dueMs: number;
}

/** A call's timers go by ticks of 50 ms; the last thing it asks may begin with one. */
const SLACK_MS = 250;

export class Ledger {
  readonly findings: string[] = [];
  readonly #open = new Map<number, Entry>();
  #next = 1;
  #answered = 0;
  readonly #failed = new Map<string, number>();

  get calls(): number {
    return this.#next - 1;
  }

  get answered(): number {
    return this.#answered;
  }

  get failed(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#failed].sort());
  }

  get open(): number {
    return this.#open.size;
  }

  /** @param mostMs after which it must have settled */
  begin(what: string, askedMs: number, mostMs: number): number {
    const id = this.#next++;
    this.#open.set(id, { what, askedMs, dueMs: askedMs + mostMs + SLACK_MS });
    return id;
  }

  /** @param code of the error; undefined for an answer */
  settle(id: number, nowMs: number, code?: string): void {
    const entry = this.#open.get(id);
    if (entry === undefined) return;
    this.#open.delete(id);
    if (nowMs > entry.dueMs) {
      this.findings.push(
        `${entry.what} settled ${Math.round(nowMs - entry.dueMs)} ms after its deadline (${code ?? "answered"})`,
      );
    }
    if (code === undefined) this.#answered += 1;
    else this.#failed.set(code, (this.#failed.get(code) ?? 0) + 1);
  }

  /** Nothing more will come. */
  end(): void {
    for (const { what, askedMs } of this.#open.values())
      this.findings.push(`${what}, asked at ${askedMs} ms, never settled`);
    this.#open.clear();
  }
}
