/** The health message, from what the parts say and what was read. Pure, but that the parts are asked. */
import { errorCode } from "../base/error.ts";
import type { DeviceHealth } from "../device/device.ts";
import type { SealEnergy } from "../health/energy.ts";
import type { ProcessFigures } from "../health/machine.ts";
import type { HealthData } from "../mqtt/messages.ts";
import type { HealthParts } from "./health-parts.ts";

export interface HealthLook {
  /** Of the appliance's own alarms. */
  readonly alarms: Iterable<string>;
  readonly process: ProcessFigures;
  readonly machine: HealthData["machine"];
  readonly clockSynced: boolean | null;
  readonly readings: DeviceHealth | undefined;
  readonly energy: SealEnergy | undefined;
  readonly errors: ReadonlyMap<string, number>;
}

/** A part's state, before it is known since when. */
export interface PartState {
  readonly state: string;
  readonly lastErrorCode: string | null;
}

export function composeHealth(
  parts: HealthParts,
  look: HealthLook,
  since: (states: Readonly<Record<string, PartState>>) => HealthData["parts"],
): HealthData {
  const { inbox, checker, store, cache, model, miners, sealing } = parts;
  const mqtt = parts.mqtt();
  const { inFlight, waiting } = inbox.counts;
  const minersNow = miners.views();
  const alarms = [...new Set([...look.alarms, ...minersNow.flatMap((miner) => miner.alarms)])].sort();
  return {
    state: alarms.length === 0 ? "ok" : "degraded",
    alarms,
    process: look.process,
    machine: look.machine,
    clock: { synced: look.clockSynced },
    parts: since(statesOf(parts)),
    device: deviceOf(parts, look.readings),
    miners: minersNow,
    ...poolOf(parts),
    sealing: { ...sealing.view(), ...look.energy },
    mqtt: {
      state: mqtt?.state ?? "stopped",
      protocolVersion: mqtt?.protocolVersion ?? null,
      connects: mqtt?.connects ?? 0,
      lastErrorCode: mqtt?.lastErrorCode ?? null,
    },
    outbox: store.outbox,
    queues: { inbox: waiting, inFlight, checks: checker.queued },
    cache: cache.stats,
    inference: { restarts: Math.max(0, model.state.starts - 1) },
    errors: Object.fromEntries(look.errors),
    intendedUse: "research-only",
  };
}

function statesOf({ device, model, rasteriser, pool, store, ...parts }: HealthParts): Record<string, PartState> {
  const mqtt = parts.mqtt();
  const last = device.settled;
  return {
    model: { state: model.state.state, lastErrorCode: model.state.lastErrorCode },
    decoder: { state: rasteriser.state.pid === undefined ? "idle" : "ready", lastErrorCode: null },
    device: { state: device.state.kind, lastErrorCode: "error" in last ? errorCode(last.error) : null },
    ...(pool.state === "none" ? {} : { pool: { state: pool.state, lastErrorCode: pool.lastErrorCode } }),
    broker: { state: mqtt?.state ?? "stopped", lastErrorCode: mqtt?.lastErrorCode ?? null },
    outbox: { state: store.outbox.rows === 0 ? "empty" : "waiting", lastErrorCode: parts.publishing() },
  };
}

function deviceOf({ device }: HealthParts, readings: DeviceHealth | undefined): HealthData["device"] {
  const link = device.state;
  const { known } = device;
  return {
    kind: device.present()?.kind ?? "none",
    state: link.kind,
    ...(known === undefined ? {} : { id: known.id }),
    simulated: known?.simulated ?? false,
    readings: { ...readings },
    ...(link.kind === "none" ? {} : { recovery: device.recovery }),
  };
}

function poolOf({ pool }: HealthParts): Pick<HealthData, "pool"> {
  const { state } = pool;
  if (state === "none") return {};
  const { connections, joined, ends } = pool.view() ?? { connections: 0, joined: 0, ends: {} };
  return { pool: { state, connections, joined, ends } };
}
