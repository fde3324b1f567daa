/**
 * How long a device is expected to need for a share, from what was observed of it.
 *
 * Shares come as a Poisson stream: the time to the next one is exponential, with a mean in proportion to the
 * difficulty. The rate is the mean of its gamma posterior, which begins as if `PRIOR_SHARES` shares had come at the
 * nominal hash rate, so that the first share of a slow device neither frightens nor is lost among figures of a data
 * sheet: real ones need up to three times as long as nominal.
 */
import { SealError } from "./error.ts";

const HASHES_PER_DIFFICULTY = 2 ** 32;
const PRIOR_SHARES = 2;
/** Then everything seen counts half: the last 128 to 256 shares speak. */
const MEMORY_SHARES = 256;

export interface ShareObservation {
  /** How long the device worked. */
  readonly exposureMs: number;
  /** What it found in that time, which may be nothing: another device may have been faster. */
  readonly shares: number;
  /** What it was asked for. */
  readonly difficulty: number;
}

function expectPositive(what: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) throw new SealError("SEAL_POLICY", `${what} is ${value}, not above 0`);
}

/** One device's. */
export class ShareTimes {
  #shares = PRIOR_SHARES;
  /** For difficulty 1. */
  #exposureMs: number;

  /** @throws SealError SEAL_POLICY */
  constructor(nominalHashesPerS: number) {
    expectPositive("nominalHashesPerS", nominalHashesPerS);
    this.#exposureMs = (PRIOR_SHARES * HASHES_PER_DIFFICULTY * 1000) / nominalHashesPerS;
  }

  /** @throws SealError SEAL_POLICY for a difficulty or a time that is not above 0 */
  observe({ exposureMs, shares, difficulty }: ShareObservation): void {
    expectPositive("exposureMs", exposureMs);
    expectPositive("difficulty", difficulty);
    this.#shares += shares;
    this.#exposureMs += exposureMs / difficulty;
    if (this.#shares < MEMORY_SHARES) return;
    this.#shares /= 2;
    this.#exposureMs /= 2;
  }

  /** Mean time to a share of this difficulty. */
  expectedMs(difficulty: number): number {
    return (difficulty * this.#exposureMs) / this.#shares;
  }
}

/** Mean time to the first share of several devices that work on the same; null where there is none. */
export function togetherMs(expectedMs: readonly number[]): number | null {
  const perMs = expectedMs.reduce((sum, each) => sum + 1 / each, 0);
  return perMs > 0 ? 1 / perMs : null;
}

/** How many means the wait for a share stays below with this probability. @param quantile 0…1, exclusive */
export function meansOfQuantile(quantile: number): number {
  return -Math.log(1 - quantile);
}
