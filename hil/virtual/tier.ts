/** Many scenarios, on as many workers as asked for, one seed each. */
import { Worker } from "node:worker_threads";
import type { ScenarioReport } from "./report.ts";
import type { Without } from "./steps.ts";

export interface TierOptions {
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

export interface FailedSeed {
  readonly seed: number;
  readonly findings: readonly string[];
  /** One line that plays it again. */
  readonly rerun: string;
}

/** What a worker adds up. */
export interface Tally {
  scenarios: number;
  calls: number;
  answered: number;
  timers: number;
  virtualMs: number;
  boots: number;
  opens: number;
  slowestRecoveryMs: number;
  peakTimers: number;
  peakWaitingBytes: number;
  readonly failed: Record<string, number>;
  readonly fired: Record<string, number>;
  readonly actions: Record<string, number>;
}

export interface TierReport extends Readonly<Tally> {
  readonly simulated: true;
  readonly from: number;
  readonly workers: number;
  readonly seconds: number;
  readonly scenariosAMinute: number;
  /** Of a core. */
  readonly cpuMsAScenario: number;
  /** Must be empty. */
  readonly failures: readonly FailedSeed[];
}

/** One message from a worker: some seeds played. */
export interface Played {
  readonly tally: Tally;
  readonly failures: readonly FailedSeed[];
}

const SEEDS_AT_ONCE = 50;

export async function runScenarios(options: TierOptions): Promise<TierReport> {
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const endMs = startedMs + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  const tally = emptyTally();
  const failures: FailedSeed[] = [];
  let next = options.from;
  const end = options.from + options.count;
  const take = () => {
    if (next >= end || performance.now() >= endMs || options.signal?.aborted) return undefined;
    const seeds = { from: next, count: Math.min(SEEDS_AT_ONCE, end - next) };
    next += seeds.count;
    return seeds;
  };
  const heed = (played: Played) => {
    addTally(tally, played.tally);
    failures.push(...played.failures);
    options.onProgress?.(tally.scenarios, failures.length);
  };
  await Promise.all(Array.from({ length: options.workers }, () => runWorker(take, heed)));
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    ...tally,
    simulated: true,
    from: options.from,
    workers: options.workers,
    seconds,
    scenariosAMinute: Math.round((tally.scenarios / seconds) * 60),
    cpuMsAScenario: (user + system) / 1000 / Math.max(1, tally.scenarios),
    failures: failures.sort((a, b) => a.seed - b.seed),
  };
}

/** Feeds one worker until there is nothing left to take. */
function runWorker(take: () => { readonly from: number } | undefined, heed: (played: Played) => void): Promise<void> {
  const worker = new Worker(new URL("./worker-main.ts", import.meta.url));
  return new Promise((resolve, reject) => {
    const feed = () => {
      const seeds = take();
      if (seeds === undefined) void worker.terminate().then(() => resolve());
      else worker.postMessage(seeds);
    };
    worker.on("message", (played: Played) => {
      heed(played);
      feed();
    });
    worker.on("error", reject);
    feed();
  });
}

export function emptyTally(): Tally {
  const counts = { scenarios: 0, calls: 0, answered: 0, timers: 0, virtualMs: 0, boots: 0, opens: 0 };
  const peaks = { slowestRecoveryMs: 0, peakTimers: 0, peakWaitingBytes: 0 };
  return { ...counts, ...peaks, failed: {}, fired: {}, actions: {} };
}

export function tallyOf(report: ScenarioReport): Tally {
  const { calls, answered, timers, virtualMs, boots, opens, peakTimers, peakWaitingBytes } = report;
  const { failed, fired, actions } = report;
  return {
    ...{ scenarios: 1, calls, answered, timers, virtualMs, boots, opens, peakTimers, peakWaitingBytes },
    slowestRecoveryMs: report.recoveryMs,
    ...{ failed: { ...failed }, fired: { ...fired }, actions: { ...actions } },
  };
}

export function addTally(into: Tally, other: Tally): void {
  for (const key of ["scenarios", "calls", "answered", "timers", "virtualMs", "boots", "opens"] as const) {
    into[key] += other[key];
  }
  for (const key of ["slowestRecoveryMs", "peakTimers", "peakWaitingBytes"] as const) {
    into[key] = Math.max(into[key], other[key]);
  }
  for (const key of ["failed", "fired", "actions"] as const) {
    for (const [name, count] of Object.entries(other[key])) into[key][name] = (into[key][name] ?? 0) + count;
  }
}

/** One line that plays this seed again, from the project's folder. */
export function rerunLine(seed: number, { steps, faults }: Without): string {
  const left = (option: string, numbers: readonly number[]) =>
    numbers.length === 0 ? "" : ` --${option} ${numbers.join(",")}`;
  return `$(scripts/find-node) hil/virtual/main.ts --seed ${seed}${left("without-steps", steps)}${left("without-faults", faults)}`;
}
