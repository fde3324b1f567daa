/** `lv06 device pair`: from a miner's address and the configuration to a miner that works for this host's pool, and back. */
import type { Config } from "../../config/schema.ts";
import type { Json } from "../../device/axeos/client.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import { readInfo } from "../../device/axeos/info.ts";
import { type PairingUndo, planUndo } from "../../device/axeos/pair.ts";
import { pairMiner, unpairMiner } from "../../device/axeos/pairing.ts";
import type { BridgeAddress } from "../../device/axeos/pool-setting.ts";
import type { Clock } from "../../device/clock.ts";
import { admitListed } from "../../device/stratum/admission.ts";
import { type Endpoint, parseEndpoint, showEndpoint } from "../endpoint.ts";
import { PairError } from "./error.ts";
import { clientOf, infoOf, keyOf, type MinerAddress, showMiner, workerNameOf } from "./miner.ts";
import { openProver } from "./prover.ts";
import { poolAsSeenBy, type Route, routeTo } from "./reach.ts";
import { PairingRecords, readRecord } from "./records.ts";
import type { Prover, Sighting, Waiting } from "./sighting.ts";

type Settings = Pick<Config, "site" | "appliance" | "dataDir" | "device" | "mqtt">;

export type Step =
  /** The appliance has the pool: its health is waited for, which comes at this interval. */
  | { readonly kind: "hearing"; readonly everyS: number }
  /** From now on the miner is changed. */
  | { readonly kind: "setting"; readonly recordPath: string }
  /** It has restarted. */
  | { readonly kind: "proving" }
  /** How that ended. */
  | { readonly kind: "seen"; readonly sighting: Sighting };

export interface Talk {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Asked before anything is changed. */
  readonly confirm: (says: readonly string[]) => Promise<boolean>;
  readonly onStep: (step: Step) => void;
  /** Runs the wait for a share, with something that shows how long it takes. */
  readonly whileProving: (wait: (onWait: Waiting["onWait"]) => Promise<Sighting>) => Promise<Sighting>;
}

interface Request {
  readonly miner: MinerAddress;
  /** How long the miner may be away for its restart, in ms; default 120,000. */
  readonly restartMs?: number;
}

export interface PairRequest extends Request {
  /** Default: the first of `device.stratum.workers`, a dot, and the end of the miner's MAC address. */
  readonly worker?: string;
  /** Where the miner reaches the pool; default `device.stratum.advertise`, else where it listens. */
  readonly advertise?: Endpoint;
  /** For the first valid share. */
  readonly deadlineMs: number;
}

export interface PairReport {
  readonly outcome: "paired" | "already" | "declined";
  readonly bridge: BridgeAddress;
  /** Whether the worker is one of `device.stratum.simulatedWorkers`. */
  readonly simulated: boolean;
  /** Where the undo is kept; null if nothing was changed. */
  readonly recordPath: string | null;
  /** Whose pool saw the share; null if nothing was changed. */
  readonly pool: Prover["pool"] | null;
  /** For `device.miners`. */
  readonly entry: string;
}

export interface UnpairRequest extends Request {
  /** In place of the record in dataDir. */
  readonly recordPath?: string;
}

/**
 * Points a miner at the pool, and sees that a valid share comes; otherwise the miner is set back.
 *
 * @throws PairError, AxeosError, StratumError, MqttError; what `talk.signal` gives
 */
export async function pairDevice(config: Settings, request: PairRequest, talk: Talk): Promise<PairReport> {
  const { miner, restartMs, deadlineMs } = request;
  const { listen, seenBy } = poolOf(config, request);
  const info = await infoOf(miner, (route) => showEndpoint(seenBy(route)));
  const reading = readInfo(info);
  const worker = request.worker ?? workerOf(config, miner, reading);
  const simulated = admitted(config, worker);
  const bridge: BridgeAddress = { ...seenBy(await routeTo(miner.host, miner.port ?? 80)), worker };
  const records = new PairingRecords(config.dataDir);
  const key = keyOf(miner, reading);
  const recordPath = records.pathOf(key);
  expectUnpaired(info, records.find(key), bridge);
  const about = { bridge, simulated, entry: `axeos://${worker}@${showMiner(miner)}` };

  const open: { prover?: Prover; kept?: true } = {};
  try {
    const { kind } = await pairMiner(clientOf(miner), bridge, {
      ...timing(talk, restartMs),
      confirm: talk.confirm,
      keepUndo: async (undo) => {
        const onHearing = (everyS: number) => talk.onStep({ kind: "hearing", everyS });
        open.prover = await openProver({ config, listen, worker, onHearing, clock: talk.clock, signal: talk.signal });
        records.keep(key, undo);
        open.kept = true;
        talk.onStep({ kind: "setting", recordPath });
      },
      proven: async () => {
        talk.onStep({ kind: "proving" });
        const { signal } = talk;
        const sighting = await talk.whileProving(
          async (onWait) => (await open.prover?.wait({ deadlineMs, signal, onWait })) ?? "nothing",
        );
        talk.onStep({ kind: "seen", sighting });
        return sighting === "share";
      },
    });
    if (kind !== "paired") return { ...about, outcome: kind, recordPath: null, pool: null };
    return { ...about, outcome: "paired", recordPath, pool: open.prover?.pool ?? null };
  } catch (error) {
    // Whatever else went wrong, the miner is as it was: only where that failed, too, the record is still needed.
    const undone = !(error instanceof AxeosError && error.code === "AXEOS_UNDO_FAILED");
    if (open.kept && undone) records.remove(key);
    throw error;
  } finally {
    await open.prover?.close();
  }
}

/**
 * Sets a paired miner back, and forgets the pairing.
 *
 * @throws PairError PAIR_NO_RECORD, PAIR_RECORD; AxeosError, AXEOS_UNDO_REFUSED among them
 */
export async function unpairDevice(
  { dataDir }: Pick<Settings, "dataDir">,
  { miner, recordPath, restartMs }: UnpairRequest,
  talk: Omit<Talk, "whileProving">,
): Promise<"undone" | "declined"> {
  const client = clientOf(miner);
  const info = await client.info();
  const records = new PairingRecords(dataDir);
  const key = keyOf(miner, readInfo(info));
  const path = recordPath ?? records.pathOf(key);
  const undo = readRecord(path);
  if (undo === undefined) throw new PairError("PAIR_NO_RECORD", `there is no ${path}`);
  const plan = planUndo(info, undo);
  if (plan.kind === "refused") {
    throw new AxeosError("AXEOS_UNDO_REFUSED", `${client.address} was left as it is: ${plan.reason}`);
  }
  if (!(await talk.confirm(undoSays(undo)))) return "declined";
  talk.onStep({ kind: "setting", recordPath: path });
  await unpairMiner(client, undo, timing(talk, restartMs));
  if (recordPath === undefined) records.remove(key);
  return "undone";
}

function timing({ clock }: Pick<Talk, "clock">, restartMs: number | undefined) {
  return { clock, ...(restartMs === undefined ? {} : { restartMs }) };
}

/** @throws PairError PAIR_NO_POOL, PAIR_ADVERTISE */
function poolOf({ device: { stratum } }: Settings, { advertise }: PairRequest) {
  if (stratum.listen === null) throw new PairError("PAIR_NO_POOL", "device.stratum.listen is nothing");
  const listen = parseEndpoint(stratum.listen);
  if (listen === undefined) {
    throw new PairError("PAIR_NO_POOL", `device.stratum.listen ${stratum.listen} has no port that can be told a miner`);
  }
  const configured = stratum.advertise === null ? null : parseEndpoint(stratum.advertise);
  if (configured === undefined) {
    throw new PairError("PAIR_ADVERTISE", `device.stratum.advertise ${stratum.advertise} is no host:port`);
  }
  const seenBy = (route: Route) => poolAsSeenBy({ listen, advertise: advertise ?? configured, route });
  return { listen, seenBy };
}

/** @throws PairError PAIR_WORKER */
function workerOf(
  { device: { stratum } }: Settings,
  miner: MinerAddress,
  reading: Parameters<typeof keyOf>[1],
): string {
  const [first] = stratum.workers;
  if (first === undefined) throw new PairError("PAIR_WORKER", "device.stratum.workers is empty");
  return workerNameOf(first, miner, reading);
}

/** @returns whether it is simulated @throws PairError PAIR_WORKER */
function admitted({ device: { stratum } }: Settings, worker: string): boolean {
  const { workers, simulatedWorkers } = stratum;
  if (/[@,]/.test(worker)) throw new PairError("PAIR_WORKER", `no entry of device.miners can hold the name ${worker}`);
  const admission = admitListed({ workers, simulated: simulatedWorkers })(worker);
  if (admission.kind === "admitted") return admission.simulated;
  const names = [...workers, ...simulatedWorkers].join(", ");
  throw new PairError("PAIR_WORKER", `the pool admits ${names === "" ? "no worker" : names}, not ${worker}`);
}

/** A second pairing would take the pool of the first for the owner's. @throws PairError PAIR_EXISTS */
function expectUnpaired(info: Json, earlier: PairingUndo | undefined, bridge: BridgeAddress): void {
  if (earlier === undefined || planUndo(info, earlier).kind === "refused") return;
  const { host, port, worker } = earlier.bridge;
  if (host === bridge.host && port === bridge.port && worker === bridge.worker) return;
  throw new PairError("PAIR_EXISTS", `the miner is paired already, with ${showEndpoint({ host, port })} as ${worker}`);
}

function undoSays({ layout, settings, slot, bridge }: PairingUndo): readonly string[] {
  const away = "It restarts and is away for about a minute.";
  const now = `${showEndpoint(bridge)} as ${bridge.worker}`;
  if (layout === "flat") {
    const { stratumURL, stratumPort, stratumUser } = settings;
    return [`Its pool, now ${now}, becomes ${stratumURL}:${stratumPort} as ${stratumUser} again.`, away];
  }
  const primary = `Its primary pool, now ${now}, becomes its pool ${Number(settings.primaryPoolIndex) + 1} again.`;
  const deleted = slot === null ? [] : [`Its pool ${slot + 1}, which was made for this computer, is deleted.`];
  return [primary, ...deleted, away];
}
