/** The health message, from what the parts say and what was read. Pure, but that the parts are asked. */
import type { DeviceHealth } from "../device/device.ts";
import type { SealEnergy } from "../health/energy.ts";
import type { ProcessFigures } from "../health/machine.ts";
import { modesOf, stateOf } from "../health/modes.ts";
import type { HealthData } from "../mqtt/messages.ts";
import type { HealthParts } from "./health-parts.ts";

export interface HealthLook {
  /** Of the appliance's own alarms. */
  readonly alarms: Iterable<string>;
  readonly process: ProcessFigures;
  readonly machine: HealthData["machine"];
  readonly readings: DeviceHealth | undefined;
  readonly energy: SealEnergy | undefined;
  readonly errors: ReadonlyMap<string, number>;
}

export function composeHealth(parts: HealthParts, look: HealthLook): HealthData {
  const { inbox, checker, store, cache, clock, model, miners, sealing } = parts;
  const mqtt = parts.mqtt();
  const { inFlight, waiting } = inbox.counts;
  const minersNow = miners.views();
  const alarms = new Set([...look.alarms, ...minersNow.flatMap((miner) => miner.alarms)]);
  return {
    state: stateOf(alarms),
    alarms: [...alarms].sort(),
    modes: modesOf(alarms),
    process: look.process,
    machine: look.machine,
    clock: { synced: clock.synced(), stepped: clock.stepped },
    parts: parts.supervisor().views(),
    selfcheck: parts.selfcheck().view,
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
    store: storeOf(parts),
    encryption: { keyId: parts.keyId, remaining: store.upkeep.toReseal },
    outbox: store.outbox,
    queues: { inbox: waiting, inFlight, checks: checker.queued },
    cache: cache.stats,
    inference: { restarts: Math.max(0, model.state.starts - 1) },
    errors: Object.fromEntries(look.errors),
    intendedUse: "research-only",
  };
}

function storeOf({ store, config }: HealthParts): HealthData["store"] {
  const { read } = store;
  const { lastSequence, prunedThrough } = read;
  return { bytes: read.usage().usedBytes, maxBytes: config.store.maxBytes, lastSequence, prunedThrough };
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
