/** What was found, put into the map: nothing is lost, nothing of people's is overwritten. Pure. */
import { MapError } from "./error.ts";
import { expectDifferent, type HardwareEntry, usbKey } from "./hardware.ts";

/** A device that answered just now. */
export type Found = Pick<HardwareEntry, "transport" | "byId" | "usb" | "mac" | "firmware"> & {
  readonly device: string;
  /** For messages. */
  readonly port: string;
};

export interface Merged {
  readonly devices: readonly HardwareEntry[];
  /** Names of entries, in the order of the map. */
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly gone: readonly string[];
}

/**
 * @param seen transports that were looked at: entries of others stay as they are
 * @throws MapError RIG_MAP_EQUAL for two devices that nothing tells apart
 */
export function mergeMap(
  known: readonly HardwareEntry[],
  found: readonly Found[],
  seen: ReadonlySet<HardwareEntry["transport"]>,
): Merged {
  expectTellable(found);
  const left = new Set(found);
  const devices = known.map((entry) => {
    const same = match(entry, left);
    if (same === undefined) return seen.has(entry.transport) ? absent(entry, found) : entry;
    left.delete(same);
    return updated(entry, same);
  });
  const names = new Set(devices.map(({ name }) => name));
  const added = [...left].map((each) => {
    const entry = entryOf(each, names);
    names.add(entry.name);
    return entry;
  });
  const all = [...devices, ...added];
  expectDifferent(all);
  return {
    devices: all,
    added: added.map(({ name }) => name),
    changed: devices.filter((entry, at) => entry.present && differs(entry, known[at])).map(({ name }) => name),
    gone: devices.filter(({ present }) => !present).map(({ name }) => name),
  };
}

/** By what the device says of itself first: its port and its adapter may be another by now. */
function match(entry: HardwareEntry, found: ReadonlySet<Found>): Found | undefined {
  const candidates = [...found].filter(({ transport }) => transport === entry.transport);
  const byDevice = candidates.find(({ device }) => device === entry.device);
  if (byDevice !== undefined || entry.device !== null) return byDevice;
  const key = usbKey(entry);
  return (
    candidates.find((each) => key !== null && usbKey(each) === key) ??
    candidates.find(({ byId }) => byId !== null && byId === entry.byId)
  );
}

/** Its port and its adapter may be another device's by now: then they tell nothing of it any more. */
function absent(entry: HardwareEntry, found: readonly Found[]): HardwareEntry {
  const others = found.filter(({ transport }) => transport === entry.transport);
  const portTaken = others.some(({ byId }) => byId === entry.byId);
  const key = usbKey(entry);
  const adapterTaken = key !== null && others.some((each) => usbKey(each) === key);
  return { ...entry, byId: portTaken ? null : entry.byId, usb: adapterTaken ? null : entry.usb, present: false };
}

/** What is not known any more does not erase what was. */
function updated(entry: HardwareEntry, { byId, usb, mac, firmware, device }: Found): HardwareEntry {
  return {
    ...entry,
    byId: byId ?? entry.byId,
    usb: usb ?? entry.usb,
    mac: mac ?? entry.mac,
    firmware: firmware ?? entry.firmware,
    device,
    present: true,
  };
}

function entryOf({ port, ...found }: Found, taken: ReadonlySet<string>): HardwareEntry {
  const plain = found.device.toLowerCase().replace(/[^a-z0-9._-]+/g, "-");
  const stem = /^[a-z0-9]/.test(plain) ? plain.slice(0, 56) : `device-${plain}`.slice(0, 56);
  let name = stem;
  for (let count = 2; taken.has(name); count++) name = `${stem}-${count}`;
  return { name, ...found, present: true, notes: "" };
}

function expectTellable(found: readonly Found[]): void {
  const ports = new Map<string, string>();
  for (const { transport, device, port } of found) {
    const other = ports.get(`${transport} ${device}`);
    if (other !== undefined) throw new MapError("RIG_MAP_EQUAL", `${port} and ${other} both call themselves ${device}`);
    ports.set(`${transport} ${device}`, port);
  }
}

function differs(entry: HardwareEntry, before: HardwareEntry | undefined): boolean {
  return JSON.stringify(entry) !== JSON.stringify(before);
}
