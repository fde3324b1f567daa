/** Which of the appliance's alarms hold now. */
import type { AlarmCode, Conditions } from "../health/alarms.ts";
import type { HealthData } from "../mqtt/messages.ts";
import type { HealthParts } from "./health-parts.ts";

/** Below this the disk alarm is raised. */
const DISK_LOW_BYTES = 512 * 1024 * 1024;

export interface Circumstances {
  readonly machine: HealthData["machine"];
  readonly clockSynced: boolean | null;
  /** The device's digests differed, and no new connection has been made since. */
  readonly mismatched: boolean;
}

export function conditionsOf(
  { device, model, store, inbox, pool, sealing, mqtt, parked, refusal }: HealthParts,
  { machine, clockSynced, mismatched }: Circumstances,
): Conditions<AlarmCode> {
  const { rows, bytes, maxRows, maxBytes } = store.outbox;
  const broker = mqtt()?.state;
  const link = device.settled.kind;
  const power = machine.throttled?.some((name) => !name.endsWith("-since-boot"));
  const { late, noDevice, failed } = sealing.troubles;
  return {
    // Between two states is no news: an alarm stays as it was while a connection is being tried.
    ...(broker === "online" || broker === "offline" ? { BROKER_AWAY: broker === "offline" } : {}),
    BROKER_TAKEN_OVER: mqtt()?.takenOver === true,
    DEVICE_ABSENT: link === "absent" || link === "failed" || link === "resting",
    DEVICE_DISTRUSTED: link === "distrusted",
    CLOCK_UNSYNCED: clockSynced === false,
    DIGEST_MISMATCH: mismatched,
    DISK_LOW: machine.diskFreeBytes !== undefined && machine.diskFreeBytes < DISK_LOW_BYTES,
    INBOX_UNUSABLE: inbox.trouble !== null,
    MODEL_UNAVAILABLE: model.state.state === "failed",
    OUTBOX_HIGH: rows > maxRows / 2 || bytes > maxBytes / 2,
    OUTBOX_PARKED: parked() > 0,
    POOL_UNAVAILABLE: pool.state === "failed",
    ...(power === undefined ? {} : { POWER: power }),
    SEALING_DEVICE_ABSENT: noDevice,
    SEALING_FAILED: failed,
    SEALS_LATE: late,
    WORK_REFUSED: refusal() !== null,
  };
}
