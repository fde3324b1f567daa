/** What an earlier pairing kept, and what that means for the next one. */
import { type PairingUndo, planUndo } from "../../device/axeos/pair.ts";
import { type BridgeAddress, type Pool, readFlatPool, readSlots } from "../../device/axeos/pool-setting.ts";
import { showEndpoint } from "../endpoint.ts";
import { PairError } from "./error.ts";

/**
 * The undo that stays in force: where the miner is set to the pool that an earlier pairing set it to, its settings are
 * no longer its owner's, who would get our own pool "back".
 *
 * @param info the answer of /api/system/info
 * @throws PairError PAIR_EXISTS if it was another pool, or another name
 */
export function earlierUndo(
  info: unknown,
  kept: PairingUndo | undefined,
  bridge: BridgeAddress,
): PairingUndo | undefined {
  if (kept === undefined) return undefined;
  const { host, port, worker } = kept.bridge;
  if (host === bridge.host && port === bridge.port && worker === bridge.worker) {
    return leadsTo(poolIn(info), bridge) ? kept : undefined;
  }
  if (planUndo(info, kept).kind === "refused") return undefined;
  throw new PairError("PAIR_EXISTS", `the miner is paired already, with ${showEndpoint({ host, port })} as ${worker}`);
}

/** Whether the miner is set to this pool under this name, in whatever way. */
export function isSetTo(info: unknown, bridge: BridgeAddress): boolean {
  const pool = poolIn(info);
  return leadsTo(pool, bridge) && pool?.user === bridge.worker;
}

function leadsTo(pool: Pool | undefined, { host, port }: BridgeAddress): boolean {
  return pool?.host?.toLowerCase() === host.toLowerCase() && pool.port === port;
}

function poolIn(info: unknown): Pool | undefined {
  const table = readSlots(info);
  return table === undefined ? readFlatPool(info) : table.slots.find(({ id }) => id === table.primary);
}
