/** What on this computer gets between a program and its serial port. Looks only; opens no port. */
import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";

/** Where things lie; others in tests. */
export interface TroubleRoots {
  readonly proc: string;
  readonly sys: string;
}

export const TROUBLE_ROOTS: TroubleRoots = { proc: "/proc", sys: "/sys" };

/** A program that opens serial ports as they appear, and speaks to them. */
export interface Meddler {
  readonly name: string;
  /** What to do about it. */
  readonly todo: string;
}

/** A program that has a port open. */
export interface Holder {
  readonly pid: number;
  readonly name: string;
}

const MEDDLERS: readonly Meddler[] = [
  {
    name: "ModemManager",
    todo: 'Stop it (`sudo systemctl stop ModemManager`), or have it leave the device alone: a udev rule with ENV{ID_MM_DEVICE_IGNORE}="1".',
  },
  {
    name: "brltty",
    todo: "Stop it (`sudo systemctl stop brltty`), or remove it: it takes CH340 and CP210x adapters for braille displays.",
  },
];
/** The Raspberry Pi's flags: now, and since it was started. */
const UNDERVOLTAGE = { now: 1 << 0, since: 1 << 16 };
export const UNDERVOLTAGE_TODO =
  "Use a supply that the Raspberry Pi asks for (5.1 V, 3 A or 5 A) and a short cable; power the LV06 from its own.";
/** Where serial ports are. Of a pseudo-terminal the program behind it has the same end open. */
const SERIAL_PORTS = "/dev/tty";
const THROTTLED = "devices/platform/soc/soc:firmware/get_throttled";

/** The port that a name stands for at the moment. */
export function portOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

export async function meddlers(roots: TroubleRoots = TROUBLE_ROOTS): Promise<readonly Meddler[]> {
  const names = new Set<string>();
  for (const pid of await processes(roots)) names.add(await nameOf(pid, roots));
  return MEDDLERS.filter(({ name }) => names.has(name));
}

/** Programs of this user that have the port open; of others' one cannot know. */
export async function holders(path: string, roots: TroubleRoots = TROUBLE_ROOTS): Promise<readonly Holder[]> {
  const port = await portOf(path);
  if (!port.startsWith(SERIAL_PORTS)) return [];
  const found: Holder[] = [];
  for (const pid of await processes(roots)) {
    if (pid === String(process.pid)) continue;
    const folder = join(roots.proc, pid, "fd");
    const files = await Promise.all(
      (await readdir(folder).catch(() => [])).map((fd) => readlink(join(folder, fd)).catch(() => "")),
    );
    if (files.includes(port)) found.push({ pid: Number(pid), name: await nameOf(pid, roots) });
  }
  return found;
}

/** The Raspberry Pi's firmware tells; of other computers one does not know, and they count as well supplied. */
export async function undervoltage({ sys }: TroubleRoots = TROUBLE_ROOTS): Promise<"now" | "since-boot" | null> {
  const [flags, low] = [await throttledFlags(sys), await inputTooLow(sys)];
  if ((flags & UNDERVOLTAGE.now) !== 0 || low === true) return "now";
  return (flags & UNDERVOLTAGE.since) === 0 ? null : "since-boot";
}

/** The name of a group, or its number where the system has none for it. */
export async function groupName(gid: number, file = "/etc/group"): Promise<string> {
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n");
  const [name] = lines.find((line) => line.split(":")[2] === String(gid))?.split(":") ?? [];
  return name ?? String(gid);
}

async function processes({ proc }: TroubleRoots): Promise<readonly string[]> {
  return (await readdir(proc).catch(() => [])).filter((name) => /^[0-9]+$/.test(name));
}

async function nameOf(pid: string, { proc }: TroubleRoots): Promise<string> {
  return (await readFile(join(proc, pid, "comm"), "utf8").catch(() => "")).trim();
}

async function throttledFlags(sys: string): Promise<number> {
  const text = await readFile(join(sys, THROTTLED), "latin1").catch(() => "0");
  const flags = Number.parseInt(text.trim(), 16);
  return Number.isNaN(flags) ? 0 : flags;
}

/** The driver `rpi_volt` has an alarm of its own, on systems without the firmware's file; undefined where there is none. */
export async function inputTooLow(sys: string = TROUBLE_ROOTS.sys): Promise<boolean | undefined> {
  const folder = join(sys, "class", "hwmon");
  let low: boolean | undefined;
  for (const name of await readdir(folder).catch(() => [])) {
    const kind = (await readFile(join(folder, name, "name"), "latin1").catch(() => "")).trim();
    if (kind !== "rpi_volt") continue;
    const alarm = await readFile(join(folder, name, "in0_lcrit_alarm"), "latin1").catch(() => "0");
    low = low === true || alarm.trim() === "1";
  }
  return low;
}
