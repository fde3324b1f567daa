/** What scenarios come to when they are added up, on either transport. */
import type { ScenarioReport } from "./report.ts";
import type { StratumScenarioReport } from "./stratum.ts";

export type Counts = Readonly<Record<string, number>>;

export interface Tally {
  readonly scenarios: number;
  /** Calls, shares and the like, over all scenarios. */
  readonly sums: Counts;
  /** The most of any scenario. */
  readonly peaks: Counts;
  /** Kind of fault → strikes. */
  readonly fired: Counts;
  /** What was asked → lies about it that the host's own check found. */
  readonly caught: Counts;
  /** Error code → calls that ended in it. */
  readonly failed: Counts;
  readonly actions: Counts;
}

export const EMPTY_TALLY: Tally = { scenarios: 0, sums: {}, peaks: {}, fired: {}, caught: {}, failed: {}, actions: {} };

export function usbTally(report: ScenarioReport): Tally {
  const { calls, answered, timers, virtualMs, boots, opens, recoveryMs, peakTimers, peakWaitingBytes } = report;
  const { peakWaiters, peakLingering, peakListeners, fired, caught, failed, actions } = report;
  return {
    scenarios: 1,
    sums: { calls, answered, timers, virtualMs, boots, opens },
    peaks: { recoveryMs, peakTimers, peakWaitingBytes, peakWaiters, peakLingering, peakListeners },
    ...{ fired, caught, failed, actions },
  };
}

export function stratumTally(report: StratumScenarioReport): Tally {
  const { shares, refused, proofs, connections, virtualMs, recoveryMs, fired } = report;
  return {
    ...EMPTY_TALLY,
    scenarios: 1,
    sums: { shares, refused, proofs, connections, virtualMs },
    peaks: { recoveryMs },
    fired,
  };
}

export function together(one: Tally, other: Tally): Tally {
  return {
    scenarios: one.scenarios + other.scenarios,
    sums: added(one.sums, other.sums),
    peaks: merged(one.peaks, other.peaks, Math.max),
    fired: added(one.fired, other.fired),
    caught: added(one.caught, other.caught),
    failed: added(one.failed, other.failed),
    actions: added(one.actions, other.actions),
  };
}

const added = (one: Counts, other: Counts) => merged(one, other, (a, b) => a + b);

function merged(one: Counts, other: Counts, of: (a: number, b: number) => number): Counts {
  const both: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) both[name] = of(both[name] ?? 0, count);
  return both;
}
