/** A pool that is opened for as long as a pairing takes. */
import { randomBytes } from "node:crypto";
import { admitListed } from "../../device/stratum/admission.ts";
import { StratumDevice } from "../../device/stratum/stratum-device.ts";
import { type Prover, type ProverOptions, type Sighting, type Waiting, watch } from "./sighting.ts";

/** The pool with the job that it has while nothing waits: its shares seal nothing. */
export class OwnPool implements Prover {
  readonly pool = "own";
  readonly #device: StratumDevice;
  readonly #options: ProverOptions;
  /** The worker's accepted shares that are no proof. */
  #before = 0;

  private constructor(device: StratumDevice, options: ProverOptions) {
    this.#device = device;
    this.#options = options;
  }

  /** @throws StratumError STRATUM_LISTEN */
  static async open(options: ProverOptions): Promise<OwnPool> {
    const { workers, simulatedWorkers } = options.config.device.stratum;
    const device = await StratumDevice.listen({
      ...options.listen,
      admit: admitListed({ workers, simulated: simulatedWorkers }),
      clock: options.clock,
      utcMs: Date.now,
      random: randomBytes,
    });
    return new OwnPool(device, options);
  }

  wait(waiting: Waiting): Promise<Sighting> {
    if (this.#options.isSet) this.#before = this.#miner()?.accepted ?? 0;
    return watch(() => this.#look(), this.#options.clock, waiting);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  #look(): Sighting {
    const miner = this.#miner();
    if (miner === undefined) return "nothing";
    return miner.accepted > this.#before ? "share" : "connected";
  }

  #miner() {
    return this.#device.view().miners.find(({ name }) => name === this.#options.worker);
  }
}
