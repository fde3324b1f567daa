/** The fleet that is configured. */
import { join } from "node:path";
import type { Config } from "../../config/schema.ts";
import { systemClock } from "../../device/clock.ts";
import { admitListed } from "../../device/stratum/admission.ts";
import { MINERS_FOLDER } from "../files.ts";
import { type FleetOptions, MinerFleet } from "./miner-fleet.ts";
import { parseMiners } from "./miner-url.ts";

export type FleetSurroundings = Pick<FleetOptions, "pool" | "busy" | "onAlarm" | "onAction" | "count">;

export function makeFleet({ dataDir, device }: Config, around: FleetSurroundings): MinerFleet {
  const { miners, minerIntervalS, stratum } = device;
  const admit = admitListed({ workers: stratum.workers, simulated: stratum.simulatedWorkers });
  return new MinerFleet({
    miners: parseMiners(miners),
    folder: join(dataDir, MINERS_FOLDER),
    clock: systemClock,
    utcMs: Date.now,
    intervalMs: minerIntervalS * 1000,
    idle: stratum.idle,
    simulated: (worker) => {
      const admission = admit(worker);
      return admission.kind === "admitted" && admission.simulated;
    },
    ...around,
  });
}
