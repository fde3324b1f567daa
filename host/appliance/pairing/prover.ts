/**
 * Whether a miner works for the pool: its verified shares tell. Where nothing listens on the pool's address, the pool
 * is opened for as long as it takes; where the appliance has it, the appliance's health messages are heard.
 */
import { errorCode } from "../../base/error.ts";
import { StratumError } from "../../device/stratum/errors.ts";
import { AppliancePool } from "./appliance-pool.ts";
import { OwnPool } from "./own-pool.ts";
import type { Prover, ProverOptions } from "./sighting.ts";

/** Ready to see the worker's next share. @throws PairError, StratumError, MqttError */
export async function openProver(options: ProverOptions): Promise<Prover> {
  try {
    return await OwnPool.open(options);
  } catch (error) {
    const cause = error instanceof StratumError ? error.cause : undefined;
    if (errorCode(cause) !== "EADDRINUSE") throw error;
    return AppliancePool.open(options);
  }
}
