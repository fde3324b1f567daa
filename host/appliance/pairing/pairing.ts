/** `lv06 device pair`: from a miner's address and the configuration to a miner that works for this host's pool. */
import type { Config } from "../../config/schema.ts";
import type { AxeosClient } from "../../device/axeos/client.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import { readInfo } from "../../device/axeos/info.ts";
import { type PairingUndo, planPairing, planUndo } from "../../device/axeos/pair.ts";
import { pairMiner } from "../../device/axeos/pairing.ts";
import type { BridgeAddress } from "../../device/axeos/pool-setting.ts";
import { showEndpoint } from "../endpoint.ts";
import { proveAlready } from "./already.ts";
import { earlierUndo, isSetTo } from "./earlier.ts";
import { clientOf, infoOf, keyOf, type MinerAddress, showMiner, workerNameOf } from "./miner.ts";
import { openProver } from "./prover.ts";
import { routeTo } from "./reach.ts";
import { PairingRecords } from "./records.ts";
import type { Prover } from "./sighting.ts";
import { type Talk, timing } from "./talk.ts";
import { formerPool } from "./unpairing.ts";
import { admitted, expectUsable, firstWorker, poolOf, type Wishes } from "./wishes.ts";

type Settings = Pick<Config, "site" | "appliance" | "dataDir" | "device" | "mqtt">;

export interface PairRequest extends Wishes {
  readonly miner: MinerAddress;
  /** How long the miner may be away for its restart, in ms; default 120,000. */
  readonly restartMs?: number;
  /** For the first valid share. */
  readonly deadlineMs: number;
}

export interface PairReport {
  readonly outcome: "paired" | "already" | "declined";
  readonly bridge: BridgeAddress;
  /** Whether the worker is one of `device.stratum.simulatedWorkers`. */
  readonly simulated: boolean;
  /** Where the undo is kept; null if there is none. */
  readonly recordPath: string | null;
  /** Whose pool saw the share; null if it was declined. */
  readonly pool: Prover["pool"] | null;
  /** For `device.miners`. */
  readonly entry: string;
}

/** What is known once the miner has been asked. */
interface Found {
  readonly client: AxeosClient;
  readonly info: unknown;
  readonly bridge: BridgeAddress;
  readonly records: PairingRecords;
  /** Of its record. */
  readonly key: string;
  /** What an earlier pairing with this bridge kept. */
  readonly earlier: PairingUndo | undefined;
  readonly openProver: () => Promise<Prover>;
}

type Ended = Pick<PairReport, "outcome" | "recordPath" | "pool">;

const DECLINED: Ended = { outcome: "declined", recordPath: null, pool: null };

/**
 * Points a miner at the pool, and sees that a valid share comes; otherwise the miner is set back. One that is set to
 * the pool already is held to the same, but set back only where an earlier pairing kept how it was.
 *
 * @throws PairError, AxeosError, StratumError, MqttError; what `talk.signal` gives
 */
export async function pairDevice(config: Settings, request: PairRequest, talk: Talk): Promise<PairReport> {
  const { miner } = request;
  const { listen, told, seenBy } = poolOf(config, request);
  expectUsable(config, request, told);
  const info = await infoOf(miner, (route) => showEndpoint(seenBy(route)));
  const reading = readInfo(info);
  const worker = request.worker ?? workerNameOf(firstWorker(config), miner, reading);
  const simulated = admitted(config, worker);
  const bridge: BridgeAddress = { ...seenBy(await routeTo(miner.host, miner.port ?? 80)), worker };
  const records = new PairingRecords(config.dataDir);
  const key = keyOf(miner, reading);
  const earlier = earlierUndo(info, records.find(key), bridge);
  const open = () => {
    const onHearing = (everyS: number) => talk.onStep({ kind: "hearing", everyS });
    const { clock, signal } = talk;
    return openProver({ config, listen, worker, isSet: isSetTo(info, bridge), onHearing, clock, signal });
  };
  const found: Found = { client: clientOf(miner), info, bridge, records, key, earlier, openProver: open };
  const pair = planPairing(info, bridge).kind === "already" ? prove : change;
  return { ...(await pair(found, request, talk)), bridge, simulated, entry: `axeos://${worker}@${showMiner(miner)}` };
}

async function prove(found: Found, { deadlineMs, restartMs }: PairRequest, talk: Talk): Promise<Ended> {
  const { info, records, key, earlier } = found;
  const undo = earlier !== undefined && planUndo(info, earlier).kind === "change" ? earlier : undefined;
  const pool = await proveAlready({ ...found, undo, deadlineMs, restartMs }, talk);
  if (pool === "declined") return DECLINED;
  return { outcome: "already", recordPath: undo === undefined ? null : records.pathOf(key), pool };
}

async function change(found: Found, { deadlineMs, restartMs }: PairRequest, talk: Talk): Promise<Ended> {
  const { client, bridge, records, key, earlier } = found;
  const recordPath = records.pathOf(key);
  const attempt: { prover?: Prover; kept?: true } = {};
  try {
    const { kind } = await pairMiner(client, bridge, {
      ...timing(talk, restartMs),
      earlier,
      confirm: (says) => talk.confirm([...says, ...wasPaired(earlier)]),
      keepUndo: async (undo) => {
        attempt.prover = await found.openProver();
        if (earlier === undefined) {
          records.keep(key, undo);
          attempt.kept = true;
        }
        talk.onStep({ kind: "setting", recordPath });
      },
      proven: async () => {
        talk.onStep({ kind: "proving" });
        const { signal } = talk;
        const sighting = await talk.whileProving(
          async (onWait) => (await attempt.prover?.wait({ deadlineMs, signal, onWait })) ?? "nothing",
        );
        talk.onStep({ kind: "seen", sighting, undoes: true });
        return sighting === "share";
      },
    });
    return kind === "paired" ? { outcome: kind, recordPath, pool: attempt.prover?.pool ?? null } : DECLINED;
  } catch (error) {
    // Whatever else went wrong, the miner is as it was: only where that failed, too, the record is still needed.
    const undone = !(error instanceof AxeosError && error.code === "AXEOS_UNDO_FAILED");
    if (attempt.kept && undone) records.remove(key);
    throw error;
  } finally {
    await attempt.prover?.close();
  }
}

function wasPaired(earlier: PairingUndo | undefined): readonly string[] {
  if (earlier === undefined) return [];
  return [`It was paired before: if this fails, and with --undo, it is set back to ${formerPool(earlier)}.`];
}
