/** Which alarms hold, and what changed: an alarm is told when it is raised and when it is cleared. Pure. */

/** Alarm of the appliance → what is wrong, and what to do. Those of miners stand with what judges them. */
export const ALARMS = {
  BROKER_AWAY: "There is no connection to the broker: results wait in the outbox.",
  BROKER_TAKEN_OVER:
    "Another client uses, or seems to use, this appliance's name at the broker: give every appliance a name of its own.",
  CLOCK_STEPPED:
    "The clock was set while the appliance ran: times may be wrong, and nothing is removed for its age; check the time service.",
  CLOCK_UNSYNCED: "The clock is not synchronised: times may be wrong.",
  DEVICE_ABSENT: "The configured device does not serve: check cable and power.",
  DEVICE_DISTRUSTED: "The device gave a wrong answer and is not used any more: replace it, or restart the appliance.",
  DIGEST_MISMATCH: "The device computed other digests than the host: check cable and firmware, and do not trust it.",
  DISK_LOW:
    "The disk is nearly full: free some space before new work is refused, which it is with less than store.diskFreeMinBytes.",
  INBOX_CROWDED:
    "More files wait in the inbox than ingest.waitingMaxFiles: see what holds them up, or send fewer; none is removed.",
  INBOX_UNUSABLE: "The inbox cannot be read: check that the folder is there and that the appliance may use it.",
  MODEL_UNAVAILABLE: "The model does not answer: images wait.",
  OUTBOX_HIGH: "The outbox fills up: restore the connection to the broker.",
  OUTBOX_PARKED:
    "Some messages can never be delivered and are set aside: look at errors and events; raise the broker's limits, or restore a backup where they are damaged.",
  PART_RESTING: "A part does not start, and is tried again now and then: health.parts says which, and why.",
  POOL_UNAVAILABLE:
    "The local pool cannot listen, so no miner can seal: check device.stratum.listen and who uses the port.",
  POWER: "The supply is too weak or the processor too hot: use a better supply, give it air.",
  SEALING_DEVICE_ABSENT: "Results wait to be sealed and no device is there: check the miners and the serial device.",
  SEALING_FAILED:
    "The stored seals contradict each other, and nothing is sealed: run lv06 ledger check and restore a backup; results go on.",
  SELFCHECK_FAILED:
    "Images are not served right: the check by a known answer failed, or did not end; health.selfcheck says why.",
  SEALS_LATE:
    "A seal takes far longer than the devices' work so far lets expect: look at their alarms and the network.",
  STORE_RESTORED:
    "Another store stands in the place of the latest: a copy that was put back (ends with the next start), or what could be saved of a damaged one (until `lv06 store accept`).",
  WORK_REFUSED:
    "No new work comes in, and images wait in the inbox: the disk or the store is full, or the known answer was given wrongly; DISK_WATERMARK, STORE_FULL or a SELFCHECK_ code among the errors says which.",
} as const;

export type AlarmCode = keyof typeof ALARMS;

/** What an alarm speaks of: a device, a miner. */
export interface AlarmSubject {
  readonly id: string;
  readonly simulated: boolean;
}

/** Alarms that are judged together. */
export interface AlarmTable<Code extends string> {
  /** Alarm → what is wrong, and what to do. */
  readonly messages: Readonly<Record<Code, string>>;
  /** Those that speak of the subject. */
  readonly ofSubject: ReadonlySet<Code>;
}

export const APPLIANCE_ALARMS: AlarmTable<AlarmCode> = {
  messages: ALARMS,
  ofSubject: new Set(["DEVICE_ABSENT", "DEVICE_DISTRUSTED", "DIGEST_MISMATCH"]),
};

export interface Alarm<Code extends string = string> {
  readonly code: Code;
  readonly message: string;
  readonly sinceUtcMs: number;
  /** Absent where the alarm speaks of none, or none has ever been there. */
  readonly device?: AlarmSubject;
}

export interface AlarmChange<Code extends string = string> extends Alarm<Code> {
  readonly raised: boolean;
}

/** Those that are raised, by code. */
export type AlarmSet<Code extends string = string> = ReadonlyMap<string, Alarm<Code>>;

/** True: it holds. Absent: not known, and the alarm stays as it was. */
export type Conditions<Code extends string> = Readonly<Partial<Record<Code, boolean>>>;

export interface AlarmsNow<Code extends string> {
  readonly conditions: Conditions<Code>;
  readonly utcMs: number;
  /** The device that is there, or was there last; the miner. */
  readonly subject?: AlarmSubject | undefined;
}

/** What is raised after this look, and what the look changed. */
export function nextAlarms<Code extends string>(
  { messages, ofSubject }: AlarmTable<Code>,
  current: AlarmSet<Code>,
  { conditions, utcMs, subject }: AlarmsNow<Code>,
): { readonly alarms: AlarmSet<Code>; readonly changes: readonly AlarmChange<Code>[] } {
  const alarms = new Map(current);
  const changes: AlarmChange<Code>[] = [];
  for (const code of Object.keys(messages) as Code[]) {
    const before = current.get(code);
    const holds = conditions[code];
    if (holds === true && before === undefined) {
      const about = subject !== undefined && ofSubject.has(code) ? { device: subject } : {};
      const alarm: Alarm<Code> = { code, message: messages[code], sinceUtcMs: utcMs, ...about };
      alarms.set(code, alarm);
      changes.push({ ...alarm, raised: true });
    } else if (holds === false && before !== undefined) {
      alarms.delete(code);
      changes.push({ ...before, raised: false });
    }
  }
  return { alarms, changes };
}
