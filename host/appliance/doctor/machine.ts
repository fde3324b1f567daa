/** The machine: its clock, its CPU, its supply, and whether the appliance starts with it. */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TROUBLE_ROOTS, undervoltage } from "../../device/usb/port-trouble.ts";
import { clockSynced } from "../../health/machine.ts";
import { askTimedatectl } from "../clock-keeper.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

/** Files are copied from machines whose clocks are a little off. */
const AHEAD_MS = 3_600_000;
const UNIT = "lv06.service";

export interface ClockEdges {
  readonly nowMs: number;
  /** As far as files tell. */
  readonly timesyncd: () => boolean | null;
  /** Any other keeper of time, as systemd knows it. */
  readonly systemd: () => Promise<boolean | null>;
  /** Files that cannot be younger than now. */
  readonly files: readonly string[];
}

export const systemTime: Pick<ClockEdges, "timesyncd" | "systemd"> = {
  timesyncd: clockSynced,
  systemd: askTimedatectl,
};

export async function clockCheck({ nowMs, timesyncd, systemd, files }: ClockEdges): Promise<Finding> {
  const now = new Date(nowMs).toISOString();
  const times = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  const newest = Math.max(...times.map((stats) => stats?.mtimeMs ?? 0), 0);
  if (newest - nowMs > AHEAD_MS) {
    return wrong(
      "clock",
      "DOCTOR_CLOCK_WRONG",
      `it says ${now}, but a file here is of ${new Date(newest).toISOString()}`,
    );
  }
  const synced = timesyncd() ?? (await systemd());
  if (synced === true) return ok("clock", `${now}, synchronised`);
  const what = synced === false ? "not synchronised" : "nothing here tells whether it is synchronised";
  return note("clock", "DOCTOR_CLOCK_UNSYNCED", `${now}, ${what}`);
}

/** What makes int8 fast, by the names of /proc/cpuinfo; every one of a line is needed for the word before it. */
const FAST: Readonly<Record<string, readonly (readonly [word: string, flag: string])[]>> = {
  x64: [
    ["AVX2", "avx2"],
    ["VNNI", "avx512_vnni"],
    ["AVX-VNNI", "avx_vnni"],
  ],
  arm64: [
    ["NEON", "asimd"],
    ["dot product", "asimddp"],
    ["int8 matrices", "i8mm"],
  ],
};
/** Without it the CPU is one for which nobody optimises int8 any more. */
const NEEDED: Readonly<Record<string, string>> = { x64: "avx2", arm64: "asimddp" };

/** Pure. @param cpuinfo the text of /proc/cpuinfo */
export function cpuCheck(arch: string, cpuinfo: string): Finding {
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(/\s+/));
  const name = /^(?:model name|Model)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.trim() ?? arch;
  const known = (FAST[arch] ?? []).filter(([, flag]) => flags.has(flag)).map(([word]) => word);
  const detail = `${name}: ${known.length === 0 ? "nothing known that makes int8 fast" : known.join(", ")}`;
  const needed = NEEDED[arch];
  return needed !== undefined && flags.has(needed) ? ok("CPU", detail) : note("CPU", "DOCTOR_CPU_SLOW", detail);
}

export async function cpuOfThisMachine(): Promise<Finding> {
  return cpuCheck(process.arch, await readFile("/proc/cpuinfo", "utf8"));
}

export async function supplyCheck(roots = TROUBLE_ROOTS): Promise<Finding> {
  const low = await undervoltage(roots);
  if (low === null) return ok("supply", "no undervoltage is known of");
  if (low === "now") return wrong("supply", "DOCTOR_UNDERVOLTAGE", "the supply voltage is too low");
  return note("supply", "DOCTOR_UNDERVOLTAGE", "the supply voltage was too low since the start of this machine");
}

export function userCheck(uid: number): Finding {
  if (uid === 0) return note("user", "DOCTOR_ROOT", "asked as root: what follows says nothing of the appliance's user");
  return ok("user", `asked as user ${uid}`);
}

/** @param root above /etc and /usr/lib; another in tests */
export function serviceCheck(root = "/"): Finding {
  const folders = ["etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"];
  const unit = folders.map((folder) => join(root, folder, UNIT)).find((path) => existsSync(path));
  if (unit === undefined) return note("service", "DOCTOR_NO_SERVICE", `${UNIT} is not installed`);
  const enabled = existsSync(join(root, "etc/systemd/system/multi-user.target.wants", UNIT));
  if (!enabled) return note("service", "DOCTOR_NO_SERVICE", `${unit} is not enabled`);
  return ok("service", `${unit} starts with this machine`);
}
