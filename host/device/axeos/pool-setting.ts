/** Which pool a miner is set to: read from `/api/system/info`, and what to send so that it is another one. */
import { Fields, isRecord } from "./fields.ts";
import type { FirstPool } from "./reading.ts";

/** Where the bridge listens, as the miner sees it. */
export interface BridgeAddress {
  /** Address or name, without scheme and port. */
  readonly host: string;
  readonly port: number;
  /** Worker name; anyone who listens to the network can read it. */
  readonly worker: string;
}

/** `flat` one primary and one fallback pool in top-level fields, to v2.14 · `slots` a table of eight, from v2.15. */
export type PoolLayout = "flat" | "slots";

/** A value that was read and can be written back as it was. */
export type Scalar = string | number | boolean;
export type Settings = Readonly<Record<string, Scalar>>;

export interface PoolSlot {
  readonly id: number;
  readonly host: string | null;
  readonly port: number | null;
  readonly user: string | null;
  /** Whether it is asked in Stratum V1 without TLS, as far as the miner says. */
  readonly plain: boolean;
}

export type Pool = Omit<PoolSlot, "id">;

export interface SlotTable {
  readonly slots: readonly PoolSlot[];
  readonly primary: number;
  readonly secondary: number;
}

export const SLOTS = 8;
/** 0 off, 1 and 2 with a bundled or a given certificate; a boolean in places. */
const TLS_MODE = { min: 0, max: 255 } as const;
const PORT = { min: 1, max: 65_535, whole: true } as const;
const SLOT_ID = { min: 0, max: SLOTS - 1, whole: true } as const;

/** v2.15's table; undefined on older firmware, or if the table makes no sense. */
export function readSlots(info: unknown): SlotTable | undefined {
  const fields = new Fields(info);
  const primary = fields.number(["primaryPoolIndex"], SLOT_ID);
  const secondary = fields.number(["secondaryPoolIndex"], SLOT_ID);
  const list = fields.list("pools");
  if (primary === null || secondary === null || list === null || list.length > SLOTS) return undefined;
  const slots = list.map(readSlot);
  return slots.every((slot) => slot !== undefined) ? { slots, primary, secondary } : undefined;
}

function readSlot(value: unknown): PoolSlot | undefined {
  const fields = new Fields(value);
  const id = fields.number(["id"], SLOT_ID);
  return id === null ? undefined : { id, ...readPool(fields) };
}

/** The primary pool of older firmware. */
export function readFlatPool(info: unknown): Pool {
  return readPool(new Fields(info));
}

export function primaryOf(table: SlotTable): PoolSlot | undefined {
  return table.slots.find((slot) => slot.id === table.primary);
}

/** null where it does not tell. */
export function readFirstPool(info: unknown): FirstPool | null {
  const table = readSlots(info);
  const pool = table === undefined ? readFlatPool(info) : primaryOf(table);
  if (pool === undefined || (pool.host === null && pool.user === null)) return null;
  return { address: pool.host === null ? null : `${pool.host}:${pool.port ?? ""}`, user: pool.user };
}

function readPool(fields: Fields): Pool {
  return {
    host: fields.text(["stratumURL"]),
    port: fields.number(["stratumPort"], PORT),
    user: fields.text(["stratumUser"]),
    plain:
      (fields.text(["stratumProtocol"]) ?? "SV1") === "SV1" &&
      (fields.number(["stratumTLS"], TLS_MODE) ?? 0) === 0 &&
      fields.flag("stratumTLS") !== true,
  };
}

/** Whether this pool is the bridge, whatever the case of its name. */
export function isBridge(pool: Pool, bridge: BridgeAddress): boolean {
  const there = pool.host?.toLowerCase() === bridge.host.toLowerCase() && pool.port === bridge.port;
  return there && pool.user === bridge.worker && pool.plain;
}

/** The fields of these names as the miner reports them; those that are absent or no scalar are left out. */
export function scalarsOf(info: unknown, names: readonly string[]): Settings {
  if (!isRecord(info)) return {};
  const entries = names.flatMap((name): [string, Scalar][] => {
    const value = Object.hasOwn(info, name) ? info[name] : undefined;
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? [[name, value]] : [];
  });
  return Object.fromEntries(entries);
}

/** Names of the settings that the miner does not report as wanted; 0 and false, 1 and true are the same to it. */
export function unlike(info: unknown, wanted: Settings): readonly string[] {
  const found = scalarsOf(info, Object.keys(wanted));
  const plain = (value: Scalar | undefined) => (typeof value === "boolean" ? Number(value) : value);
  return Object.keys(wanted).filter((name) => plain(found[name]) !== plain(wanted[name]));
}
