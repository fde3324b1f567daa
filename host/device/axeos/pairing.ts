/** Pairs a miner with this host and undoes it: asks, keeps the undo, sends, reads back, restarts, waits for proof. */
import type { Clock } from "../clock.ts";
import { sleep } from "../clock.ts";
import type { AxeosClient, Json } from "./client.ts";
import { AxeosError } from "./errors.ts";
import { notUndone, type PairChange, type PairingUndo, planPairing, planUndo, unpaired } from "./pair.ts";
import type { BridgeAddress } from "./pool-setting.ts";

export interface PairingOptions {
  readonly clock: Clock;
  /** Asked before anything is sent, with what is to be done. */
  readonly confirm: (says: readonly string[]) => Promise<boolean>;
  /** What undid an earlier pairing with this bridge: in place of settings that are the bridge's own by now. */
  readonly earlier?: PairingUndo | undefined;
  /** Keeps the undo where a crash does not reach it; called before anything is sent. */
  readonly keepUndo: (undo: PairingUndo) => Promise<void>;
  /** Resolves to whether a verified share of this miner arrived; called once it answers again after its restart. */
  readonly proven: () => Promise<boolean>;
  /** How long the restart may take, in ms; default 120,000. */
  readonly restartMs?: number;
}

export type PairingOutcome =
  | { readonly kind: "paired"; readonly undo: PairingUndo }
  | { readonly kind: "already"; readonly says: readonly string[] }
  | { readonly kind: "declined" };

type Undoing = Pick<PairingOptions, "clock" | "restartMs">;

const RESTART_MS = 120_000;
/** The firmware answers for another second before it restarts, and needs some for its WiFi. */
const AWAY_MS = 3_000;
const POLL_MS = 2_000;

/**
 * Points the miner at the bridge. Ends as it began, unless it ends well: what was not taken or not proven is undone.
 *
 * @throws AxeosError
 */
export async function pairMiner(
  client: AxeosClient,
  bridge: BridgeAddress,
  options: PairingOptions,
): Promise<PairingOutcome> {
  const plan = planPairing(await client.info(), bridge);
  if (plan.kind === "already") return plan;
  if (plan.kind === "unsupported") {
    throw new AxeosError("AXEOS_PAIR_UNSUPPORTED", `${client.address} was left as it is: ${plan.reason}`);
  }
  if (!(await options.confirm(plan.says))) return { kind: "declined" };
  const undo = options.earlier ?? plan.undo;
  await options.keepUndo(undo);
  await change(client, bridge, { ...plan, undo }, options);
  return { kind: "paired", undo };
}

/**
 * Sets a paired miner back and restarts it.
 *
 * @throws AxeosError AXEOS_UNDO_REFUSED if it is another miner, or is no longer set to the bridge
 */
export async function unpairMiner(client: AxeosClient, undo: PairingUndo, options: Undoing): Promise<void> {
  const plan = planUndo(await client.info(), undo);
  if (plan.kind === "refused") throw refused(client, plan.reason);
  await setBack(client, undo, plan.deleteSlot);
  await restartMiner(client, options);
}

async function change(
  client: AxeosClient,
  bridge: BridgeAddress,
  plan: PairChange,
  options: PairingOptions,
): Promise<void> {
  try {
    await client.patch(plan.patch);
    taken(client, await client.info(), bridge);
    taken(client, await restartMiner(client, options), bridge);
    if (await options.proven()) return;
    throw new AxeosError("AXEOS_PAIR_UNPROVEN", `No valid share came from ${client.address} after pairing`);
  } catch (error) {
    await takeBack(client, plan.undo, options, error);
    throw error;
  }
}

function taken(client: AxeosClient, info: Json, bridge: BridgeAddress): void {
  const wrong = unpaired(info, bridge);
  if (wrong.length === 0) return;
  throw new AxeosError("AXEOS_PAIR_NOT_TAKEN", `${client.address} did not take ${wrong.join(", ")}`);
}

/**
 * After a failure: back to what was, also where only some of the settings were taken.
 *
 * @throws AxeosError AXEOS_UNDO_FAILED, with the reason among its causes
 */
export async function takeBack(
  client: AxeosClient,
  undo: PairingUndo,
  options: Undoing & Pick<PairingOptions, "earlier">,
  reason: unknown,
): Promise<void> {
  try {
    const plan = planUndo(await client.info(), undo);
    if (plan.kind === "refused" && plan.why === "other-miner") throw refused(client, plan.reason);
    await setBack(client, undo, plan.kind === "change" ? plan.deleteSlot : null);
    // Where it was paired before, it runs with the bridge's settings, whatever it is set to.
    if (plan.kind === "change" || options.earlier !== undefined) await restartMiner(client, options);
  } catch (error) {
    throw new AxeosError("AXEOS_UNDO_FAILED", `Pairing ${client.address} failed and could not be undone`, {
      cause: new AggregateError([reason, error]),
    });
  }
}

async function setBack(client: AxeosClient, undo: PairingUndo, slot: number | null): Promise<void> {
  await client.patch(undo.settings);
  const wrong = notUndone(await client.info(), undo);
  if (wrong.length > 0) {
    throw new AxeosError("AXEOS_UNDO_FAILED", `${client.address} did not take back ${wrong.join(", ")}`);
  }
  if (slot !== null) await client.deletePool(slot);
}

function refused(client: AxeosClient, reason: string): AxeosError {
  return new AxeosError("AXEOS_UNDO_REFUSED", `${client.address} was left as it is: ${reason}`);
}

/** Restarts the miner and waits until it answers again. @throws AxeosError */
export async function restartMiner(client: AxeosClient, { clock, restartMs = RESTART_MS }: Undoing): Promise<Json> {
  await client.restart();
  const endMs = clock.nowMs() + restartMs;
  await sleep(clock, AWAY_MS);
  for (;;) {
    try {
      return await client.info();
    } catch (error) {
      if (clock.nowMs() >= endMs) throw error;
      await sleep(clock, POLL_MS);
    }
  }
}
