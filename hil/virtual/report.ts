/** What a scenario came to, as data. */
import type { FaultKind } from "../faults/kinds.ts";
import type { Comparison, Driver } from "./asks.ts";
import type { VirtualClock } from "./clock.ts";
import type { ActionKind } from "./steps.ts";

/** A defect that is planted, to see that it is found. */
export interface Plant {
  /** Stands between the appliance and its driver. */
  readonly decorate?: (device: Driver, clock: VirtualClock) => Driver;
  /** Compares for the host. */
  readonly host?: Comparison;
}

export interface ScenarioReport {
  readonly seed: number;
  readonly simulated: true;
  /** What went wrong; must be empty. */
  readonly findings: readonly string[];
  readonly calls: number;
  readonly answered: number;
  /** Calls that ended in a DeviceError, by code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Wrong answers that came as far as the host's own check, and were found by it: by what was asked. */
  readonly caught: Readonly<Record<string, number>>;
  readonly fired: Readonly<Partial<Record<FaultKind, number>>>;
  readonly actions: Readonly<Partial<Record<ActionKind, number>>>;
  readonly boots: number;
  readonly opens: number;
  /** From the end of the faults until the link served again. */
  readonly recoveryMs: number;
  readonly virtualMs: number;
  readonly timers: number;
  readonly peakTimers: number;
  readonly peakWaitingBytes: number;
  /** The most that a connection held at once. */
  readonly peakWaiters: number;
  readonly peakLingering: number;
  readonly peakListeners: number;
  /** Equal for equal events. */
  readonly trace: string;
}
