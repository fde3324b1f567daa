/** Many scenarios, on as many workers as asked for, one seed each. */
import type { TransportKind } from "../rig/bench.ts";
import { CorePool } from "./cores.ts";
import { rerunMany } from "./rerun.ts";
import { type FailedSeed, type Played, ScenarioWorker, type Seeds } from "./scenario-worker.ts";
import { EMPTY_TALLY, type Tally, together } from "./tally.ts";

export interface TierOptions {
  /** Default: usb. */
  readonly transport?: TransportKind;
  /** The first seed. */
  readonly from: number;
  /** At most so many scenarios, and no longer than so many seconds. */
  readonly count: number;
  readonly seconds?: number;
  readonly workers: number;
  /** Ends it early; what was played by then is told. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, failed: number) => void;
}

export interface TierReport extends Tally {
  readonly simulated: true;
  readonly transport: TransportKind;
  readonly from: number;
  /** How many there were to be. */
  readonly asked: number;
  readonly workers: number;
  readonly seconds: number;
  readonly scenariosAMinute: number;
  /** Of a core. */
  readonly cpuMsAScenario: number;
  /** Must be empty. */
  readonly failures: readonly FailedSeed[];
}

const SEEDS_AT_ONCE = { usb: 50, stratum: 10 } as const;

/** @throws RigError RIG_WASM; RIG_VIRTUAL where a worker cannot play */
export async function runScenarios(options: TierOptions): Promise<TierReport> {
  const { transport = "usb", from, count, workers } = options;
  // Here, so that not every worker does, and a failure is told once.
  if (transport === "usb") await CorePool.build();
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const play = new Play({ ...options, transport });
  await play.all(workers);
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const { tally, failures } = play;
  return {
    ...tally,
    ...{ simulated: true, transport, from, asked: count, workers, seconds },
    scenariosAMinute: Math.round((tally.scenarios / seconds) * 60),
    cpuMsAScenario: (user + system) / 1000 / Math.max(1, tally.scenarios),
    failures: failures.sort((a, b) => a.seed - b.seed),
  };
}

class Play {
  readonly failures: FailedSeed[] = [];
  tally: Tally = EMPTY_TALLY;
  readonly #options: TierOptions & { readonly transport: TransportKind };
  readonly #endMs: number;
  #next: number;

  constructor(options: TierOptions & { readonly transport: TransportKind }) {
    this.#options = options;
    this.#endMs = performance.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000;
    this.#next = options.from;
  }

  /** @throws RigError RIG_VIRTUAL */
  async all(count: number): Promise<void> {
    const { transport, from, signal } = this.#options;
    if (signal?.aborted) return;
    const workers = Array.from({ length: count }, () => new ScenarioWorker(transport));
    const stop = () => {
      for (const worker of workers) worker.end();
    };
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const ends = workers.map((worker) => worker.play({ take: () => this.#take(), heed: (said) => this.#heed(said) }));
      for (const finding of (await Promise.all(ends)).flat()) {
        this.failures.push({ seed: from, findings: [finding], rerun: rerunMany(transport, from, this.#next - from) });
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      stop();
    }
  }

  #take(): Seeds | undefined {
    const { transport, from, count, signal } = this.#options;
    const end = from + count;
    if (this.#next >= end || performance.now() >= this.#endMs || signal?.aborted) return undefined;
    const seeds = { from: this.#next, count: Math.min(SEEDS_AT_ONCE[transport], end - this.#next) };
    this.#next += seeds.count;
    return seeds;
  }

  #heed({ tally, failures }: Played): void {
    this.tally = together(this.tally, tally);
    this.failures.push(...failures);
    this.#options.onProgress?.(this.tally.scenarios, this.failures.length);
  }
}
