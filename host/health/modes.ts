/**
 * What the appliance does without, in words: each is what one of its alarms takes from it. Pure.
 *
 * A mode is for whoever uses the appliance, an alarm for whoever mends it.
 */
import type { AlarmCode } from "./alarms.ts";

/** Mode → the alarms that each bring it about. */
export const MODES = {
  /** Times may be wrong. */
  "clock-uncertain": ["CLOCK_STEPPED", "CLOCK_UNSYNCED"],
  /** Images get no result. */
  "not-assessing": ["MODEL_UNAVAILABLE", "SELFCHECK_FAILED"],
  /** Results are made, and wait for the broker. */
  offline: ["BROKER_AWAY"],
  /** The machine is slower than it could be. */
  "power-limited": ["POWER"],
  /** New images wait in the inbox. */
  "refusing-work": ["WORK_REFUSED"],
  /** No device checks the digests, though one is configured. */
  "software-only": ["DEVICE_ABSENT", "DEVICE_DISTRUSTED"],
  /** What was found since is not in the store. */
  "store-restored": ["STORE_RESTORED"],
  /** Results are made, and wait for their seal. */
  unsealed: ["SEALING_DEVICE_ABSENT", "SEALING_FAILED"],
} as const satisfies Record<string, readonly AlarmCode[]>;

export type Mode = keyof typeof MODES;

/** In these, nothing that comes in is answered. */
const FAILING: ReadonlySet<string> = new Set<Mode>(["not-assessing", "refusing-work"]);

/** Sorted. */
export function modesOf(alarms: ReadonlySet<string>): Mode[] {
  const names = Object.keys(MODES).sort() as Mode[];
  return names.filter((mode) => MODES[mode].some((alarm) => alarms.has(alarm)));
}

/** `failing`: nothing that comes in is answered. `degraded`: any alarm. */
export function stateOf(alarms: ReadonlySet<string>): "ok" | "degraded" | "failing" {
  if (modesOf(alarms).some((mode) => FAILING.has(mode))) return "failing";
  return alarms.size === 0 ? "ok" : "degraded";
}
