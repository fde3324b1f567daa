/** The virtual-time tier as a part of a run. */
import { availableParallelism } from "node:os";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { systemClock } from "../../host/device/clock.ts";
import { before } from "../rig/deadline.ts";
import type { RunReport, VirtualTally } from "../rig/report.ts";
import { runScenarios, type TierReport } from "../virtual/tier.ts";

/** Seeds are whole numbers; those of one run lie side by side. */
const SEED_END = 2 ** 31;
/** It is there to find defects, not to make a run long. */
const MOST_SECONDS = 45;
const GRACE_SECONDS = 20;
const MOST_WORKERS = 4;

/** Failures that a report tells in full: more are no help. */
const SHOWN = 10;
const TOLD_EVERY = 500;

export interface VirtualOptions {
  readonly seed: number;
  readonly scenarios: number;
  readonly onProgress: (words: string) => void;
  readonly signal: AbortSignal;
}

/** The run with its virtual tier, whatever becomes of it. */
export async function andVirtual(ran: RunReport, options: VirtualOptions): Promise<RunReport> {
  if (options.signal.aborted) return ran;
  try {
    const tier = await runVirtual(options);
    return tier === null ? ran : withVirtual(ran, tier);
  } catch (error) {
    const problem = { code: errorCode(error), message: `virtual time: ${errorMessage(error)}` };
    return { ...ran, problems: [...ran.problems, problem] };
  }
}

/** Null where it was interrupted. @throws RigError RIG_DEADLINE for a scenario that does not end */
async function runVirtual({ seed, scenarios, onProgress, signal }: VirtualOptions): Promise<TierReport | null> {
  const played = runScenarios({
    from: seed % SEED_END,
    count: scenarios,
    seconds: MOST_SECONDS,
    workers: Math.min(MOST_WORKERS, availableParallelism()),
    signal,
    onProgress: (done, failed) => {
      if (done % TOLD_EVERY === 0) onProgress(`virtual time: ${done} of ${scenarios} scenarios, ${failed} failed`);
    },
  });
  const deadline = { clock: systemClock, ms: (MOST_SECONDS + GRACE_SECONDS) * 1000 };
  try {
    return await before(played, "the fault scenarios under virtual time", [deadline], signal);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

/** A scenario that failed fails the run. */
function withVirtual(report: RunReport, tier: TierReport): RunReport {
  const virtual = tallyOf(tier);
  const [first] = tier.failures;
  const problems =
    first === undefined
      ? []
      : [
          {
            code: "RIG_VIRTUAL",
            message: `virtual time: ${tier.failures.length} of ${tier.scenarios} scenarios failed, seed ${first.seed} first: ${first.findings.join("; ")}`,
          },
        ];
  return {
    ...report,
    durationMs: report.durationMs + tier.seconds * 1000,
    problems: [...report.problems, ...problems],
    virtual,
  };
}

function tallyOf({ from, scenarios, seconds, calls, answered, fired, failures }: TierReport): VirtualTally {
  return {
    fromSeed: from,
    scenarios,
    seconds,
    calls,
    answered,
    faults: fired,
    failed: failures.length,
    failures: failures.slice(0, SHOWN),
  };
}
