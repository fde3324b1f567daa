/** Figures of this process and this machine. What is not known is absent, never 0. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, freemem, loadavg } from "node:os";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { inputTooLow } from "../device/usb/port-trouble.ts";

export interface ProcessFigures {
  readonly uptimeS: number;
  readonly rssBytes: number;
  readonly openFiles?: number;
  /** Since the last reading. */
  readonly loopDelayP99Ms?: number;
}

export interface MachineFigures {
  readonly load1?: number;
  readonly cores: number;
  readonly freeMemoryBytes?: number;
  readonly diskFreeBytes?: number;
  readonly diskTotalBytes?: number;
  readonly cpuTempC?: number;
  /** As the Raspberry Pi's firmware names them: now, and since boot. */
  readonly throttled?: string[];
}

/** Where the figures lie; another root in tests. */
export interface MachineFiles {
  /** Thousandths of a degree. */
  readonly cpuTemp: string;
  /** Hexadecimal flags; Raspberry Pi only. */
  readonly throttled: string;
  /** Where drivers have their alarms, on Raspberry Pis without those flags. */
  readonly sys: string;
  /** Exists once systemd-timesyncd has set the clock. */
  readonly clockSynced: string;
  /** Exists where systemd keeps the time at all. */
  readonly clockKeeper: string;
}

export const MACHINE_FILES: MachineFiles = {
  cpuTemp: "/sys/class/thermal/thermal_zone0/temp",
  throttled: "/sys/devices/platform/soc/soc:firmware/get_throttled",
  sys: "/sys",
  clockSynced: "/run/systemd/timesync/synchronized",
  clockKeeper: "/run/systemd/timesync",
};

/** Raspberry Pi documentation, `vcgencmd get_throttled`. */
const THROTTLE_BITS: readonly (readonly [bit: number, name: string])[] = [
  [0, "under-voltage"],
  [1, "frequency-capped"],
  [2, "throttled"],
  [3, "soft-temperature-limit"],
  [16, "under-voltage-since-boot"],
  [17, "frequency-capped-since-boot"],
  [18, "throttled-since-boot"],
  [19, "soft-temperature-limit-since-boot"],
];

/** How often the event loop is asked to come by. */
const TICK_MS = 5;

/** Watches the event loop from its making to `stop`. */
export class ProcessMeter {
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: TICK_MS });

  start(): void {
    this.#delay.enable();
  }

  read(): ProcessFigures {
    // The histogram holds the time from tick to tick, the tick itself included.
    const delayMs = Math.max(0, this.#delay.percentile(99) / 1e6 - TICK_MS);
    const p99Ms = this.#delay.count > 0 ? Math.round(delayMs * 100) / 100 : undefined;
    this.#delay.reset();
    const openFiles = entriesIn("/proc/self/fd");
    return {
      uptimeS: Math.round(process.uptime()),
      rssBytes: process.memoryUsage.rss(),
      ...(openFiles === undefined ? {} : { openFiles }),
      ...(p99Ms === undefined ? {} : { loopDelayP99Ms: p99Ms }),
    };
  }

  stop(): void {
    this.#delay.disable();
  }
}

export async function machineFigures(dataDir: string, files: MachineFiles = MACHINE_FILES): Promise<MachineFigures> {
  const disk = await statfs(dataDir).catch(() => undefined);
  const cpuTempC = numberIn(files.cpuTemp, 10);
  const throttled = await throttledNow(files);
  return {
    load1: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    cores: availableParallelism(),
    freeMemoryBytes: freemem(),
    ...(disk === undefined
      ? {}
      : { diskFreeBytes: disk.bavail * disk.bsize, diskTotalBytes: disk.blocks * disk.bsize }),
    ...(cpuTempC === undefined ? {} : { cpuTempC: cpuTempC / 1000 }),
    ...(throttled === undefined ? {} : { throttled }),
  };
}

async function throttledNow({ throttled, sys }: MachineFiles): Promise<string[] | undefined> {
  const flags = numberIn(throttled, 16);
  if (flags !== undefined) return throttleNames(flags);
  const low = await inputTooLow(sys);
  return low === undefined ? undefined : throttleNames(low ? 1 : 0);
}

export function throttleNames(flags: number): string[] {
  return THROTTLE_BITS.filter(([bit]) => ((flags >> bit) & 1) === 1).map(([, name]) => name);
}

/** Whether the system says that its clock was set from outside; null where it says nothing. */
export function clockSynced(files: MachineFiles = MACHINE_FILES): boolean | null {
  if (existsSync(files.clockSynced)) return true;
  return existsSync(files.clockKeeper) ? false : null;
}

function entriesIn(path: string): number | undefined {
  try {
    return readdirSync(path).length;
  } catch {
    return undefined;
  }
}

function numberIn(path: string, radix: number): number | undefined {
  try {
    const value = Number.parseInt(readFileSync(path, "utf8").trim(), radix);
    return Number.isNaN(value) ? undefined : value;
  } catch {
    return undefined;
  }
}
