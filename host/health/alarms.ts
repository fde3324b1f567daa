/** Which alarms hold, and what changed: an alarm is told when it is raised and when it is cleared. Pure. */

/** Alarm → what is wrong, and what to do. */
export const ALARMS = {
  BROKER_AWAY: "There is no connection to the broker: results wait in the outbox.",
  CLOCK_UNSYNCED: "The clock is not synchronised: times may be wrong.",
  DEVICE_ABSENT: "The configured device does not serve: check cable and power.",
  DEVICE_DISTRUSTED: "The device gave a wrong answer and is not used any more: replace it, or restart the appliance.",
  DIGEST_MISMATCH: "The device computed other digests than the host: check cable and firmware, and do not trust it.",
  DISK_LOW: "The disk is nearly full: free some space.",
  INBOX_UNUSABLE: "The inbox cannot be read: check that the folder is there and that the appliance may use it.",
  MODEL_UNAVAILABLE: "The model does not answer: images wait.",
  OUTBOX_HIGH: "The outbox fills up: restore the connection to the broker.",
  POWER: "The supply is too weak or the processor too hot: use a better supply, give it air.",
} as const;

export type AlarmCode = keyof typeof ALARMS;

/** The device that an alarm speaks of. */
export interface AlarmDevice {
  readonly id: string;
  readonly simulated: boolean;
}

export interface Alarm {
  readonly code: AlarmCode;
  readonly message: string;
  readonly sinceUtcMs: number;
  /** Absent where the alarm speaks of none, or none has ever been there. */
  readonly device?: AlarmDevice;
}

export interface AlarmChange extends Alarm {
  readonly raised: boolean;
}

/** Those that are raised, by code. */
export type AlarmSet = ReadonlyMap<string, Alarm>;

/** True: it holds. Absent: not known, and the alarm stays as it was. */
export type Conditions = Readonly<Partial<Record<AlarmCode, boolean>>>;

const OF_DEVICE: ReadonlySet<AlarmCode> = new Set(["DEVICE_ABSENT", "DEVICE_DISTRUSTED", "DIGEST_MISMATCH"]);
const CODES = Object.keys(ALARMS) as readonly AlarmCode[];

/** @param device the one that is there, or was there last */
export function nextAlarms(
  current: AlarmSet,
  conditions: Conditions,
  utcMs: number,
  device?: AlarmDevice,
): { readonly alarms: AlarmSet; readonly changes: readonly AlarmChange[] } {
  const alarms = new Map(current);
  const changes: AlarmChange[] = [];
  for (const code of CODES) {
    const before = current.get(code);
    const holds = conditions[code];
    if (holds === true && before === undefined) {
      const about = device !== undefined && OF_DEVICE.has(code) ? { device } : {};
      const alarm: Alarm = { code, message: ALARMS[code], sinceUtcMs: utcMs, ...about };
      alarms.set(code, alarm);
      changes.push({ ...alarm, raised: true });
    } else if (holds === false && before !== undefined) {
      alarms.delete(code);
      changes.push({ ...before, raised: false });
    }
  }
  return { alarms, changes };
}
