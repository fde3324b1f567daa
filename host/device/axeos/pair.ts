/**
 * Pointing a miner at this host, and back: what to send, what must then be read back, how to undo it. Pure.
 *
 * Passwords are neither read nor changed on older firmware, so that the former pool is whole again after an undo; on
 * v2.15 the bridge gets a slot of its own, the owner's slots stay as they are, and the pool that the miner works for
 * now becomes its fallback.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { AxeosError } from "./errors.ts";
import { readInfo } from "./info.ts";
import {
  type BridgeAddress,
  isBridge,
  type Pool,
  primaryOf,
  readFlatPool,
  readSlots,
  type Settings,
  SLOTS,
  type SlotTable,
  scalarsOf,
  unlike,
} from "./pool-setting.ts";

const scalar = z.union([z.string().max(4_096), z.number(), z.boolean()]);
const undoSchema = z.strictObject({
  version: z.literal(1),
  /** Of the miner, so that no other one is "set back"; null where it does not say. */
  mac: z.string().max(32).nullable(),
  layout: z.enum(["flat", "slots"]),
  bridge: z.strictObject({ host: z.string().max(255), port: z.int(), worker: z.string().max(255) }),
  /** What PATCH is to send. */
  settings: z.record(z.string().max(64), scalar),
  /** The slot that was made for the bridge; null where there is none. */
  slot: z
    .int()
    .min(0)
    .max(SLOTS - 1)
    .nullable(),
});

/** All that is needed to undo a pairing; kept in a file. It holds no password. */
export type PairingUndo = Readonly<z.infer<typeof undoSchema>>;

export interface PairChange {
  readonly kind: "change";
  /** The body of PATCH /api/system. */
  readonly patch: Readonly<Record<string, unknown>>;
  readonly undo: PairingUndo;
  /** For the person who is asked: what is to be done. */
  readonly says: readonly string[];
}

export type PairPlan =
  | PairChange
  | { readonly kind: "already"; readonly says: readonly string[] }
  | { readonly kind: "unsupported"; readonly reason: string };

export type UndoPlan =
  | { readonly kind: "change"; readonly patch: Settings; readonly deleteSlot: number | null }
  | { readonly kind: "refused"; readonly why: "other-miner" | "other-pool"; readonly reason: string };

/** Set so that the bridge is asked in plain Stratum V1, where the firmware has these fields. */
const PLAIN = { stratumProtocol: "SV1", stratumTLS: 0, useFallbackStratum: 0 } as const;
const POOL_FIELDS = ["stratumURL", "stratumPort", "stratumUser"] as const;
const SELECTION = ["primaryPoolIndex", "secondaryPoolIndex", "useFallbackStratum"] as const;
const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const WORKER = /^[\x21-\x7e]{1,64}$/;

/**
 * @param info the answer of /api/system/info
 * @throws AxeosError AXEOS_PAIR_OPTION for an address that no miner could use
 */
export function planPairing(info: unknown, bridge: BridgeAddress): PairPlan {
  checkBridge(bridge);
  const table = readSlots(info);
  return table === undefined ? planFlat(info, bridge) : planSlots(info, table, bridge);
}

/** Names of what is not as the plan wants it; empty if the miner is paired. */
export function unpaired(info: unknown, bridge: BridgeAddress): readonly string[] {
  const table = readSlots(info);
  const pool = table === undefined ? readFlatPool(info) : primaryOf(table);
  const plain = scalarsOf(info, table === undefined ? Object.keys(PLAIN) : ["useFallbackStratum"]);
  const wanted = Object.fromEntries(Object.entries(PLAIN).filter(([name]) => Object.hasOwn(plain, name)));
  return [...(pool !== undefined && isBridge(pool, bridge) ? [] : ["pool"]), ...unlike(info, wanted)];
}

/** What sets the miner back, unless it is another one or has been set to another pool since. */
export function planUndo(info: unknown, undo: PairingUndo): UndoPlan {
  const { mac } = readInfo(info);
  if (undo.mac !== null && mac !== undo.mac) {
    return refusal("other-miner", `this is another miner: ${mac ?? "it does not tell its address"}, not ${undo.mac}`);
  }
  const table = readSlots(info);
  if ((table === undefined ? "flat" : "slots") !== undo.layout) {
    return refusal("other-miner", "its firmware has been changed since it was paired");
  }
  const pool = table === undefined ? readFlatPool(info) : primaryOf(table);
  if (pool === undefined || !isBridge(pool, undo.bridge)) {
    return refusal("other-pool", "it has been set to another pool since it was paired");
  }
  const own = table?.slots.find((slot) => slot.id === undo.slot);
  return { kind: "change", patch: undo.settings, deleteSlot: own === undefined ? null : own.id };
}

function refusal(why: "other-miner" | "other-pool", reason: string): UndoPlan {
  return { kind: "refused", why, reason };
}

/** Names of the settings that are not as they were. */
export function notUndone(info: unknown, undo: PairingUndo): readonly string[] {
  return unlike(info, undo.settings);
}

/** Reads a kept undo. @throws AxeosError AXEOS_UNDO_REFUSED if it is none */
export function parseUndo(text: string): PairingUndo {
  try {
    return undoSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new AxeosError("AXEOS_UNDO_REFUSED", "The record of the pairing is damaged", { cause: error });
  }
}

/** @throws AxeosError AXEOS_PAIR_OPTION for an address that no miner could use */
export function checkBridge({ host, port, worker }: BridgeAddress): void {
  const wrong =
    (isIP(host) === 0 && !NAME.test(host) && `host "${host.slice(0, 64)}"`) ||
    (!(Number.isInteger(port) && port >= 1 && port <= 65_535) && `port ${port}`) ||
    (!WORKER.test(worker) && `worker "${worker.slice(0, 64)}"`);
  if (wrong) throw new AxeosError("AXEOS_PAIR_OPTION", `No miner can use the bridge's ${wrong}`);
}

function planFlat(info: unknown, bridge: BridgeAddress): PairPlan {
  const before = readFlatPool(info);
  if (unpaired(info, bridge).length === 0) return { kind: "already", says: [`It is set to ${shown(before)}.`] };
  const settings = scalarsOf(info, [...POOL_FIELDS, ...Object.keys(PLAIN)]);
  if (before.host === null || before.port === null || before.user === null) {
    return { kind: "unsupported", reason: "it does not tell its present pool, so that pairing could not be undone" };
  }
  const plain = Object.fromEntries(Object.entries(PLAIN).filter(([name]) => Object.hasOwn(settings, name)));
  return {
    kind: "change",
    patch: { stratumURL: bridge.host, stratumPort: bridge.port, stratumUser: bridge.worker, ...plain },
    undo: undoOf(info, "flat", bridge, settings, null),
    says: [
      `Its pool, now ${shown(before)}, becomes ${bridge.host}:${bridge.port} as ${bridge.worker}.`,
      "Its fallback pool and its passwords stay as they are; it sends the password of its pool to this host.",
      "It restarts and is away for about a minute.",
    ],
  };
}

function planSlots(info: unknown, table: SlotTable, bridge: BridgeAddress): PairPlan {
  const before = primaryOf(table);
  if (unpaired(info, bridge).length === 0) return { kind: "already", says: [`It is set to ${shown(before)}.`] };
  const known = table.slots.find((slot) => isBridge(slot, bridge));
  const id = known?.id ?? freeSlot(table);
  if (id === undefined) return { kind: "unsupported", reason: "all of its eight pools are in use: delete one" };
  const secondary = table.primary === id ? table.secondary : table.primary;
  const fallback = table.slots.find((slot) => slot.id === secondary);
  const settings = scalarsOf(info, SELECTION);
  return {
    kind: "change",
    patch: {
      // A slot that leaves fields out would get the firmware's defaults for them.
      pools: [slotOf(id, bridge)],
      primaryPoolIndex: id,
      secondaryPoolIndex: secondary,
      ...(Object.hasOwn(settings, "useFallbackStratum") ? { useFallbackStratum: 0 } : {}),
    },
    undo: undoOf(info, "slots", bridge, settings, known === undefined ? id : null),
    says: [
      `Its pool ${id + 1} of ${SLOTS} becomes ${bridge.host}:${bridge.port} as ${bridge.worker}, and its primary pool.`,
      `Its fallback becomes the pool it has now, ${shown(fallback)}.`,
      "Its other pools and their passwords stay as they are.",
      "It restarts and is away for about a minute.",
    ],
  };
}

/** Neither in the list nor selected: an empty slot may be selected too. */
function freeSlot(table: SlotTable): number | undefined {
  const taken = new Set([...table.slots.map((slot) => slot.id), table.primary, table.secondary]);
  return Array.from({ length: SLOTS }, (_, id) => id).find((id) => !taken.has(id));
}

function slotOf(id: number, bridge: BridgeAddress) {
  return {
    id,
    stratumProtocol: "SV1",
    stratumURL: bridge.host,
    stratumPort: bridge.port,
    stratumUser: bridge.worker,
    stratumPassword: "x",
    stratumSuggestedDifficulty: 0,
    stratumExtranonceSubscribe: false,
    stratumTLS: 0,
    stratumCert: "",
    stratumDecodeCoinbase: false,
  };
}

function undoOf(
  info: unknown,
  layout: PairingUndo["layout"],
  bridge: BridgeAddress,
  settings: Settings,
  slot: number | null,
): PairingUndo {
  return { version: 1, mac: readInfo(info).mac, layout, bridge: { ...bridge }, settings, slot };
}

function shown(pool: Pool | undefined): string {
  if (pool === undefined || pool.host === null) return "not set";
  return `${pool.host}:${pool.port ?? "?"} as ${pool.user ?? "?"}`;
}
