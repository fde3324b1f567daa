/** What processes take, as Linux counts it: CPU time with all threads, memory, and energy where the system tells. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What some images took. */
export interface Taken {
  readonly ms: number;
  readonly cpuMs: number;
  /** Of the CPU packages with all that ran on them; null where there is no counter that can be read. */
  readonly joules: number | null;
}

/** One package's counter, in µJ; it starts again at 0 after `range`. */
interface EnergyCounter {
  readonly energy: number;
  readonly range: number;
}

const POWERCAP = "/sys/class/powercap";
/** USER_HZ, which is the same on every Linux that Node runs on. */
const TICK_MS = 10;

/** @param pids live throughout */
export async function metered(pids: readonly number[], work: () => Promise<unknown>): Promise<Taken> {
  const cpuBefore = cpuMs(pids);
  const energyBefore = energyCounters();
  const startedMs = performance.now();
  await work();
  const ms = performance.now() - startedMs;
  return { ms, cpuMs: cpuMs(pids) - cpuBefore, joules: joulesBetween(energyBefore, energyCounters()) };
}

/** In user and system mode, all threads, since each began. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    // The name, in parentheses, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }, 0);
}

/** @param field resident now, or the most that ever was */
export function residentMiB(pids: readonly number[], field: "VmRSS" | "VmHWM"): number {
  return pids.reduce((sum, pid) => {
    const line = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return sum + Number(line?.[1] ?? Number.NaN) / 1024;
  }, 0);
}

/** RAPL, which AMD has under Intel's name. Null where there is none, or only root may read it. */
export function energyCounters(folder = POWERCAP): readonly EnergyCounter[] | null {
  try {
    const read = (zone: string, file: string) => readFileSync(join(folder, zone, file), "utf8").trim();
    const counters = readdirSync(folder)
      .filter((zone) => /^intel-rapl:\d+$/.test(zone) && read(zone, "name").startsWith("package"))
      .sort()
      .map((zone) => ({ energy: Number(read(zone, "energy_uj")), range: Number(read(zone, "max_energy_range_uj")) }));
    return counters.length === 0 ? null : counters;
  } catch {
    return null;
  }
}

export function joulesBetween(before: ReturnType<typeof energyCounters>, after: typeof before): number | null {
  if (before === null || after === null) return null;
  const microjoules = after.reduce((sum, { energy, range }, at) => {
    const from = before[at]?.energy ?? Number.NaN;
    return sum + energy - from + (energy < from ? range : 0);
  }, 0);
  return microjoules / 1e6;
}
