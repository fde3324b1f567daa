/** A miner as `health.miners` shows it. Pure. */
import { knownOf, type MinerReading } from "../../device/axeos/reading.ts";
import type { MinerView } from "../../device/stratum/miners.ts";
import type { HealthData } from "../../mqtt/messages.ts";

export type MinerHealth = HealthData["miners"][number];

export interface MinerFacts {
  readonly worker: string;
  readonly kind: MinerHealth["kind"];
  readonly simulated: boolean;
  readonly state: MinerHealth["state"];
  readonly alarms: Iterable<string>;
  /** The latest; null: it did not answer. */
  readonly reading: MinerReading | null;
  /** What the pool knows; undefined where it has never connected. */
  readonly proven: MinerView | undefined;
}

const NAME_CHARS = 64;

export function minerHealth({ worker, reading, alarms, proven, ...facts }: MinerFacts): MinerHealth {
  return {
    ...facts,
    worker: worker.slice(0, NAME_CHARS),
    alarms: [...alarms].sort(),
    readings: reading === null ? {} : knownOf(reading),
    proven: proven === undefined ? null : provenHealth(proven),
  };
}

/** One that connected to the pool and is not in `device.miners`. */
export function strangerHealth(proven: MinerView): MinerHealth {
  const { name, simulated } = proven;
  return minerHealth({ worker: name, kind: "unknown", simulated, state: "unread", alarms: [], reading: null, proven });
}

function provenHealth(view: MinerView): MinerHealth["proven"] {
  const { connected, accepted, rejected, hashrate, meanShareMs, lastShareUtcMs, bestDifficulty } = view;
  return {
    connected: connected > 0,
    accepted,
    rejected: Object.values(rejected).reduce((sum, count) => sum + count, 0),
    ...(hashrate === null ? {} : { hashrateGhs: hashrate / 1e9 }),
    ...(meanShareMs === null ? {} : { meanShareMs }),
    ...(lastShareUtcMs === null ? {} : { lastShareUtcMs }),
    ...(bestDifficulty === null ? {} : { bestDifficulty }),
  };
}
