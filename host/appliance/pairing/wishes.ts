/** What was asked for and what is configured, as far as it can be judged before the miner is asked. */
import type { Config } from "../../config/schema.ts";
import { checkBridge } from "../../device/axeos/pair.ts";
import { admitListed } from "../../device/stratum/admission.ts";
import { type Endpoint, parseEndpoint } from "../endpoint.ts";
import { PairError } from "./error.ts";
import { poolAsSeenBy, type Route } from "./reach.ts";

type Settings = Pick<Config, "device">;

export interface Wishes {
  /** Default: the first of `device.stratum.workers`, a dot, and the end of the miner's MAC address. */
  readonly worker?: string;
  /** Where the miner reaches the pool; default `device.stratum.advertise`, else where it listens. */
  readonly advertise?: Endpoint;
}

/** @throws PairError PAIR_NO_POOL, PAIR_ADVERTISE */
export function poolOf({ device: { stratum } }: Settings, { advertise }: Wishes) {
  if (stratum.listen === null) throw new PairError("PAIR_NO_POOL", "device.stratum.listen is nothing");
  const listen = parseEndpoint(stratum.listen);
  if (listen === undefined) {
    throw new PairError("PAIR_NO_POOL", `device.stratum.listen ${stratum.listen} has no port that can be told a miner`);
  }
  const configured = stratum.advertise === null ? null : parseEndpoint(stratum.advertise);
  if (configured === undefined) {
    throw new PairError("PAIR_ADVERTISE", `device.stratum.advertise ${stratum.advertise} is no host:port`);
  }
  const asked = advertise ?? configured;
  const seenBy = (route: Route) => poolAsSeenBy({ listen, advertise: asked, route });
  return { listen, told: asked ?? listen, seenBy };
}

/** @param told where a miner is to be told that the pool is @throws PairError PAIR_WORKER; AxeosError AXEOS_PAIR_OPTION */
export function expectUsable(config: Settings, wishes: Wishes, told: Endpoint): void {
  const worker = wishes.worker ?? firstWorker(config);
  admitted(config, worker);
  checkBridge({ ...told, worker });
}

/** @throws PairError PAIR_WORKER */
export function firstWorker({ device: { stratum } }: Settings): string {
  const [first] = stratum.workers;
  if (first === undefined) throw new PairError("PAIR_WORKER", "device.stratum.workers is empty");
  return first;
}

/** @returns whether it is simulated @throws PairError PAIR_WORKER */
export function admitted({ device: { stratum } }: Settings, worker: string): boolean {
  const { workers, simulatedWorkers } = stratum;
  if (/[@,]/.test(worker)) throw new PairError("PAIR_WORKER", `no entry of device.miners can hold the name ${worker}`);
  const admission = admitListed({ workers, simulated: simulatedWorkers })(worker);
  if (admission.kind === "admitted") return admission.simulated;
  const names = [...workers, ...simulatedWorkers].join(", ");
  throw new PairError("PAIR_WORKER", `the pool admits ${names === "" ? "no worker" : names}, not ${worker}`);
}
