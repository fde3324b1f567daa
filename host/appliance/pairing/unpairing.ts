/** `lv06 device pair --undo`: a paired miner gets its former pool again. */
import type { Config } from "../../config/schema.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import { readInfo } from "../../device/axeos/info.ts";
import { type PairingUndo, planUndo } from "../../device/axeos/pair.ts";
import { unpairMiner } from "../../device/axeos/pairing.ts";
import { showEndpoint } from "../endpoint.ts";
import { PairError } from "./error.ts";
import { clientOf, keyOf, type MinerAddress } from "./miner.ts";
import { PairingRecords, readRecord } from "./records.ts";
import { type Talk, timing } from "./talk.ts";

export interface UnpairRequest {
  readonly miner: MinerAddress;
  /** How long the miner may be away for its restart, in ms; default 120,000. */
  readonly restartMs?: number;
  /** In place of the record in dataDir. */
  readonly recordPath?: string;
}

export interface UnpairReport {
  readonly outcome: "undone" | "declined";
  /** Entries of `device.miners` that have the appliance watch it still. */
  readonly listed: readonly string[];
}

/**
 * Sets a paired miner back, and forgets the pairing.
 *
 * @throws PairError PAIR_NO_RECORD, PAIR_RECORD; AxeosError, AXEOS_UNDO_REFUSED among them
 */
export async function unpairDevice(
  { dataDir, device }: Pick<Config, "dataDir" | "device">,
  { miner, recordPath, restartMs }: UnpairRequest,
  talk: Omit<Talk, "whileProving">,
): Promise<UnpairReport> {
  const given = recordPath === undefined ? undefined : recordAt(recordPath);
  const client = clientOf(miner);
  const info = await client.info();
  const records = new PairingRecords(dataDir);
  const key = keyOf(miner, readInfo(info));
  const path = recordPath ?? records.pathOf(key);
  const undo = given ?? recordAt(path);
  const plan = planUndo(info, undo);
  if (plan.kind === "refused") {
    throw new AxeosError("AXEOS_UNDO_REFUSED", `${client.address} was left as it is: ${plan.reason}`);
  }
  if (!(await talk.confirm(says(undo)))) return { outcome: "declined", listed: [] };
  talk.onStep({ kind: "setting", recordPath: path });
  await unpairMiner(client, undo, timing(talk, restartMs));
  if (recordPath === undefined) records.remove(key);
  const { worker } = undo.bridge;
  return { outcome: "undone", listed: device.miners.filter((entry) => entry.startsWith(`axeos://${worker}@`)) };
}

/** The pool that the undo leads back to, in words. */
export function formerPool({ layout, settings }: PairingUndo): string {
  if (layout === "slots") return `its pool ${Number(settings.primaryPoolIndex) + 1}`;
  return `${settings.stratumURL}:${settings.stratumPort} as ${settings.stratumUser}`;
}

function recordAt(path: string): PairingUndo {
  const undo = readRecord(path);
  if (undo === undefined) throw new PairError("PAIR_NO_RECORD", `there is no ${path}`);
  return undo;
}

function says(undo: PairingUndo): readonly string[] {
  const { layout, slot, bridge } = undo;
  const pool = layout === "flat" ? "pool" : "primary pool";
  const deleted = slot === null ? [] : [`Its pool ${slot + 1}, which was made for this computer, is deleted.`];
  return [
    `Its ${pool}, now ${showEndpoint(bridge)} as ${bridge.worker}, becomes ${formerPool(undo)} again.`,
    ...deleted,
    "It restarts and is away for about a minute.",
  ];
}
