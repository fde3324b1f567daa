/** Which of the appliance's alarms hold now. */
import type { AlarmCode, Conditions } from "../health/alarms.ts";
import type { HealthData } from "../mqtt/messages.ts";
import { diskLowBytes } from "./admission.ts";
import type { HealthParts } from "./health-parts.ts";

export interface Circumstances {
  readonly machine: HealthData["machine"];
  /** The device's digests differed, and no new connection has been made since. */
  readonly mismatched: boolean;
}

export function conditionsOf(
  {
    config,
    device,
    model,
    store,
    inbox,
    pool,
    sealing,
    clock,
    selfcheck,
    supervisor,
    mqtt,
    parked,
    refusal,
  }: HealthParts,
  { machine, mismatched }: Circumstances,
): Conditions<AlarmCode> {
  const { rows, bytes, maxRows, maxBytes } = store.outbox;
  const broker = mqtt()?.state;
  const link = device.settled.kind;
  const power = machine.throttled?.some((name) => !name.endsWith("-since-boot"));
  const { late, noDevice, failed } = sealing.troubles;
  const { failing } = selfcheck();
  return {
    // Between two states is no news: an alarm stays as it was while a connection is being tried.
    ...(broker === "online" || broker === "offline" ? { BROKER_AWAY: broker === "offline" } : {}),
    BROKER_TAKEN_OVER: mqtt()?.takenOver === true,
    DEVICE_ABSENT: link === "absent" || link === "failed" || link === "resting",
    DEVICE_DISTRUSTED: link === "distrusted",
    CLOCK_STEPPED: clock.stepped,
    // A clock that was set has an alarm of its own.
    CLOCK_UNSYNCED: clock.synced() === false && !clock.stepped,
    DIGEST_MISMATCH: mismatched,
    DISK_LOW:
      machine.diskFreeBytes !== undefined && machine.diskFreeBytes < diskLowBytes(config.store.diskFreeMinBytes),
    INBOX_CROWDED: inbox.counts.waiting > config.ingest.waitingMaxFiles,
    INBOX_UNUSABLE: inbox.trouble !== null,
    MODEL_UNAVAILABLE: model.state.state === "failed" || model.state.state === "resting",
    OUTBOX_HIGH: rows > maxRows / 2 || bytes > maxBytes / 2,
    OUTBOX_PARKED: parked() > 0,
    PART_RESTING: supervisor().troubled || supervisor().views().decoder?.state === "resting",
    POOL_UNAVAILABLE: pool.state === "failed",
    ...(power === undefined ? {} : { POWER: power }),
    SEALING_DEVICE_ABSENT: noDevice,
    SEALING_FAILED: failed,
    SEALS_LATE: late,
    ...(failing === undefined ? {} : { SELFCHECK_FAILED: failing }),
    STORE_RESTORED: store.isReplaced,
    WORK_REFUSED: refusal() !== null,
  };
}
