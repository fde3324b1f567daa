/**
 * Shares that were accepted, so that none counts twice.
 *
 * Bounded, and it forgets only what it is told to: a share that fell out of a ring could be sent again.
 */
import { expectWhole } from "./bytes.ts";

const MOST_SHARES = 1_000_000;

export class SeenShares {
  readonly #limit: number;
  readonly #jobs = new Map<string, Set<string>>();
  #count = 0;

  /** @param limit shares over all jobs, 1…1,000,000; each takes about 100 bytes @throws WorkError WORK_NUMBER */
  constructor(limit: number) {
    expectWhole("limit", limit, 1, MOST_SHARES);
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= this.#limit;
  }

  has(jobId: string, key: string): boolean {
    return this.#jobs.get(jobId)?.has(key) ?? false;
  }

  /** Notes a share; without effect when full or known. */
  add(jobId: string, key: string): void {
    if (this.full || this.has(jobId, key)) return;
    const keys = this.#jobs.get(jobId) ?? new Set();
    keys.add(key);
    this.#jobs.set(jobId, keys);
    this.#count += 1;
  }

  /** Once the job is no longer accepted. */
  forget(jobId: string): void {
    this.#count -= this.#jobs.get(jobId)?.size ?? 0;
    this.#jobs.delete(jobId);
  }
}
