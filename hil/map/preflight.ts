/** What on this computer would spoil a run on hardware, and what to do about it. Looks only; opens no port. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { portOf } from "./probe.ts";

/** The run may not go well for it; what becomes of the run, the run tells. */
export interface Finding {
  readonly code: string;
  readonly what: string;
  readonly todo: string;
}

/** Where things lie; others in tests. */
export interface PreflightRoots {
  readonly proc: string;
  readonly sys: string;
}

const ROOTS: PreflightRoots = { proc: "/proc", sys: "/sys" };
/** Programs that open serial ports as they appear, and speak to them. */
const MEDDLERS: Readonly<Record<string, string>> = {
  ModemManager:
    'Stop it (`sudo systemctl stop ModemManager`), or have it leave the device alone: a udev rule with ENV{ID_MM_DEVICE_IGNORE}="1".',
  brltty:
    "Stop it (`sudo systemctl stop brltty`), or remove it: it takes CH340 and CP210x adapters for braille displays.",
};
/** The Raspberry Pi's flags: now, and since it was started. */
const UNDERVOLTAGE = { now: 1 << 0, since: 1 << 16 };
/** Where serial ports are. Of a pseudo-terminal the program behind it has the same end open. */
const SERIAL_PORTS = "/dev/tty";
const THROTTLED = "devices/platform/soc/soc:firmware/get_throttled";

/** @param path the device's port, if it is known yet */
export async function preflight(path?: string, roots: PreflightRoots = ROOTS): Promise<readonly Finding[]> {
  const found = await Promise.all([
    meddlers(roots),
    undervoltage(roots),
    ...(path === undefined ? [] : [holders(path, roots)]),
  ]);
  return found.flat();
}

async function processes({ proc }: PreflightRoots): Promise<readonly string[]> {
  return (await readdir(proc).catch(() => [])).filter((name) => /^[0-9]+$/.test(name));
}

async function nameOf(pid: string, { proc }: PreflightRoots): Promise<string> {
  return (await readFile(join(proc, pid, "comm"), "utf8").catch(() => "")).trim();
}

async function meddlers(roots: PreflightRoots): Promise<Finding[]> {
  const names = new Set<string>();
  for (const pid of await processes(roots)) names.add(await nameOf(pid, roots));
  return Object.entries(MEDDLERS).flatMap(([name, todo]): Finding[] =>
    names.has(name) ? [{ code: "RIG_MEDDLER", what: `${name} runs and may speak to the port`, todo }] : [],
  );
}

/** Programs of this user that have the port open; of others' one cannot know. */
async function holders(path: string, roots: PreflightRoots): Promise<Finding[]> {
  const port = await portOf(path);
  if (!port.startsWith(SERIAL_PORTS)) return [];
  const found: Finding[] = [];
  for (const pid of await processes(roots)) {
    if (pid === String(process.pid)) continue;
    const folder = join(roots.proc, pid, "fd");
    const files = await Promise.all(
      (await readdir(folder).catch(() => [])).map((fd) => readlink(join(folder, fd)).catch(() => "")),
    );
    if (!files.includes(port)) continue;
    const what = `process ${pid} (${await nameOf(pid, roots)}) has ${basename(port)} open`;
    found.push({ code: "RIG_PORT_BUSY", what, todo: `End it, or wait for it: \`kill ${pid}\`.` });
  }
  return found;
}

/** The Raspberry Pi's firmware tells; other computers do not. */
async function undervoltage({ sys }: PreflightRoots): Promise<Finding[]> {
  const [flags, alarms] = [await throttledFlags(sys), await lowInputAlarms(sys)];
  const todo =
    "Use a supply that the Raspberry Pi asks for (5.1 V, 3 A or 5 A) and a short cable; power the LV06 from its own.";
  if ((flags & UNDERVOLTAGE.now) !== 0 || alarms > 0) {
    return [{ code: "RIG_UNDERVOLTAGE", what: "this computer's supply voltage is too low", todo }];
  }
  if ((flags & UNDERVOLTAGE.since) === 0) return [];
  const what = "this computer's supply voltage was too low since it was started";
  return [{ code: "RIG_UNDERVOLTAGE", what, todo }];
}

async function throttledFlags(sys: string): Promise<number> {
  const text = await readFile(join(sys, THROTTLED), "latin1").catch(() => "0");
  const flags = Number.parseInt(text.trim(), 16);
  return Number.isNaN(flags) ? 0 : flags;
}

/** The driver `rpi_volt` has an alarm of its own, on systems without the firmware's file. */
async function lowInputAlarms(sys: string): Promise<number> {
  const folder = join(sys, "class", "hwmon");
  let alarms = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const kind = (await readFile(join(folder, name, "name"), "latin1").catch(() => "")).trim();
    if (kind !== "rpi_volt") continue;
    const alarm = await readFile(join(folder, name, "in0_lcrit_alarm"), "latin1").catch(() => "0");
    if (alarm.trim() === "1") alarms += 1;
  }
  return alarms;
}
