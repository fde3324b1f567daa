/** Whether a thread keeps something of scenarios that are over: what it holds without garbage, now and then. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** By the first time everything is compiled, and every pool nearly as large as it gets. */
const LOOK_EVERY = 200;
/** A scenario's chunks, or one of its connections, are ten times that. */
const BYTES_A_SCENARIO = 1024;
/** What chance comes to. */
const SPARE_BYTES = 512 * 1024;

interface Look {
  readonly scenarios: number;
  readonly bytes: number;
}

export class HeapWatch {
  readonly #held: () => number;
  readonly #looks: Look[] = [];

  constructor(held: () => number = heldBytes) {
    this.#held = held;
  }

  /** @param scenarios played so far */
  played(scenarios: number): void {
    const last = this.#looks.at(-1)?.scenarios ?? 0;
    if (scenarios >= last + LOOK_EVERY) this.#looks.push({ scenarios, bytes: this.#held() });
  }

  /**
   * Since any of the looks: the engine may have thrown away megabytes of its own since the first.
   *
   * @returns what is wrong, after so many scenarios
   */
  judge(scenarios: number): string | undefined {
    const far = this.#looks.filter((look) => scenarios >= look.scenarios + LOOK_EVERY);
    if (far.length === 0) return undefined;
    const now = this.#held();
    for (const look of far) {
      const since = scenarios - look.scenarios;
      const grown = now - look.bytes;
      if (grown > SPARE_BYTES + since * BYTES_A_SCENARIO) {
        return `memory grew by ${Math.round(grown / 1024)} KiB in ${since} scenarios`;
      }
    }
    return undefined;
  }
}

/** This thread's objects and buffers, without garbage. */
export function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // What the first one finalises is free after the second.
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
