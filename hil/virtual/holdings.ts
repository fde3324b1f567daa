/** What the host's connections hold: bounded while they last, nothing once they are over, and no request settles twice. */
import type { SessionHeld } from "../../host/device/session/options.ts";
import type { Driver } from "./asks.ts";

/** A number that may still be borne by a late reply rests for 30 s after its last wait; heartbeats let it go. */
const LINGER_MS = 120_000;
/** The link's, this tier's, one a search, one a reset. */
const LISTENERS_MAX = 24;
/** A host that is this far behind is stopped by its own limit of 4,096. */
const WAITING_MAX = 1024;

interface Peaks {
  readonly peakWaiters: number;
  readonly peakLingering: number;
  readonly peakListeners: number;
}

export class Holdings {
  readonly #findings = new Set<string>();
  readonly #drivers: Driver[] = [];
  readonly #over = new Set<Driver>();
  #peaks: Peaks = { peakWaiters: 0, peakLingering: 0, peakListeners: 0 };

  get findings(): readonly string[] {
    return [...this.#findings];
  }

  get peaks(): Peaks {
    return this.#peaks;
  }

  add(driver: Driver): void {
    this.#drivers.push(driver);
    driver.onGone(() => this.#over.add(driver));
  }

  /** At any moment between two events. */
  look(): void {
    for (const { held } of this.#drivers.slice(-1)) {
      const { peakWaiters, peakLingering, peakListeners } = this.#peaks;
      this.#peaks = {
        peakWaiters: Math.max(peakWaiters, held.waiters),
        peakLingering: Math.max(peakLingering, held.lingering),
        peakListeners: Math.max(peakListeners, held.listeners),
      };
      this.#judge(held);
    }
  }

  /** When all is calm again: counters are sane, and numbers that rest come to an end, where there are some. */
  async calm(driver: Driver | undefined, until: (done: () => boolean, mostMs: number) => Promise<boolean>) {
    if (driver === undefined) return;
    this.#judgeCounters(driver);
    // One that ends meanwhile lets nothing go any more: it is garbage as a whole.
    const done = () => driver.held.lingering === 0 || this.#over.has(driver);
    if (!(await until(done, LINGER_MS)))
      this.#find(`${driver.held.lingering} numbers still rest after ${LINGER_MS} ms`);
  }

  /** Every connection is over, and so is every call. */
  end(): void {
    for (const { held } of this.#drivers) {
      const { waiters, unanswered, waiting, listeners } = held;
      const left = Object.entries({ waiters, unanswered, waiting, listeners }).filter(([, count]) => count > 0);
      if (left.length > 0)
        this.#find(`a connection that is over holds ${left.map(([what, count]) => `${count} ${what}`).join(", ")}`);
      this.#judge(held);
    }
  }

  #judge({ waiters, settledTwice, unanswered, waiting, listeners }: SessionHeld): void {
    if (settledTwice > 0) this.#find("a request settled twice");
    if (waiters > unanswered + waiting) this.#find("a caller waits for a request that is no more");
    if (listeners > LISTENERS_MAX) this.#find(`${listeners} listeners`);
    if (waiting > WAITING_MAX) this.#find(`${waiting} requests wait`);
  }

  #judgeCounters({ counters }: Driver): void {
    const { discarded, ...rest } = counters;
    const all = [...Object.values(rest), ...Object.values(discarded)];
    if (!all.every((count) => Number.isSafeInteger(count) && count >= 0)) this.#find("a counter that does not count");
    // Four sends a request, HELLO's ten, and a probe now and then.
    if (counters.retries > 4 * counters.requests + 100) this.#find(`${counters.retries} retries`);
  }

  #find(what: string): void {
    this.#findings.add(what);
  }
}
