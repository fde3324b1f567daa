/**
 * A miner that is set to the pool already. That proves nothing: a pairing that was killed leaves it so, before its
 * restart or before its proof. So a share is waited for as after any pairing.
 */
import type { AxeosClient } from "../../device/axeos/client.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import type { PairingUndo } from "../../device/axeos/pair.ts";
import { restartMiner, takeBack } from "../../device/axeos/pairing.ts";
import type { BridgeAddress } from "../../device/axeos/pool-setting.ts";
import { showEndpoint } from "../endpoint.ts";
import { PairError } from "./error.ts";
import type { Prover, Sighting } from "./sighting.ts";
import { type Talk, timing } from "./talk.ts";
import { formerPool } from "./unpairing.ts";

export interface SetMiner {
  readonly client: AxeosClient;
  readonly bridge: BridgeAddress;
  /** How it was before; undefined where no pairing kept that: then nothing is changed. */
  readonly undo: PairingUndo | undefined;
  readonly openProver: () => Promise<Prover>;
  /** For the first valid share. */
  readonly deadlineMs: number;
  readonly restartMs: number | undefined;
}

/** Of the deadline, what a miner has to connect by itself: firmware that lost its pool looks for it every 30 s. */
const CONNECT_PART = 1 / 3;

/** @returns whose pool saw a share @throws PairError PAIR_UNPROVEN; AxeosError AXEOS_PAIR_UNPROVEN once it is set back */
export async function proveAlready(it: SetMiner, talk: Talk): Promise<Prover["pool"] | "declined"> {
  const { client, undo } = it;
  if (undo !== undefined && !(await talk.confirm(asked(it.bridge, undo)))) return "declined";
  const prover = await it.openProver();
  try {
    const sighting = await sight(it, prover, talk);
    talk.onStep({ kind: "seen", sighting, undoes: undo !== undefined });
    if (sighting === "share") return prover.pool;
    const words = `${client.address} was set to this pool already, but sends it no valid share`;
    throw undo === undefined ? new PairError("PAIR_UNPROVEN", words) : new AxeosError("AXEOS_PAIR_UNPROVEN", words);
  } catch (error) {
    if (undo !== undefined) await takeBack(client, undo, timing(talk, it.restartMs), error);
    throw error;
  } finally {
    await prover.close();
  }
}

function asked(bridge: BridgeAddress, undo: PairingUndo): readonly string[] {
  return [
    `It is set to ${showEndpoint(bridge)} as ${bridge.worker} already.`,
    "If it does not connect to the pool, it is restarted, and away for about a minute.",
    `If no valid share comes, it is set back to ${formerPool(undo)}.`,
  ];
}

async function sight({ client, undo, deadlineMs, restartMs }: SetMiner, prover: Prover, talk: Talk): Promise<Sighting> {
  const { signal } = talk;
  const wait = (partMs: number, sinceMs: number) =>
    talk.whileProving((onWait) =>
      prover.wait({ deadlineMs: partMs, signal, onWait: (elapsedMs) => onWait(sinceMs + elapsedMs) }),
    );
  talk.onStep({ kind: "already" });
  const connectMs = deadlineMs * CONNECT_PART;
  const first = await wait(connectMs, 0);
  if (first === "share") return first;
  if (first === "connected" || undo === undefined) return wait(deadlineMs - connectMs, connectMs);
  talk.onStep({ kind: "restarting" });
  await restartMiner(client, timing(talk, restartMs));
  talk.onStep({ kind: "proving" });
  return wait(deadlineMs, 0);
}
