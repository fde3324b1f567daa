import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { energyCounters, joulesBetween, metered, residentMiB } from "./meter.ts";
import { NO_COUNTER, NO_HARDWARE, pageOf } from "./page.ts";
import type { ConfigurationId, FileKind, Row, Tables } from "./tables.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tables-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the meter", () => {
  test("counts the CPU time of a process as the process itself does", async () => {
    let ownMs = 0;
    const { cpuMs } = await metered([process.pid], async () => {
      const before = process.cpuUsage();
      while (ownMs < 200) {
        const { user, system } = process.cpuUsage(before);
        ownMs = (user + system) / 1000;
      }
    });
    // Both ends are rounded to ticks of 10 ms, user and system each.
    expect(cpuMs).toBeGreaterThanOrEqual(ownMs - 40);
    const nowMiB = residentMiB([process.pid], "VmRSS");
    expect(residentMiB([process.pid], "VmHWM")).toBeGreaterThanOrEqual(nowMiB);
  });

  test("adds up the packages' energy, and nothing that is in them or around them", () => {
    const zone = (name: string, kind: string, energy: number) => {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, "name"), `${kind}\n`);
      writeFileSync(join(folder, name, "energy_uj"), `${energy}\n`);
      writeFileSync(join(folder, name, "max_energy_range_uj"), "1000000\n");
    };
    const all = (first: number, second: number) => {
      zone("intel-rapl:0", "package-0", first);
      zone("intel-rapl:0:0", "core", first);
      zone("intel-rapl:1", "package-1", second);
      zone("intel-rapl:2", "psys", first + second);
      return energyCounters(folder);
    };
    const before = all(100_000, 900_000);
    // The second counter starts again at 0 meanwhile.
    expect(joulesBetween(before, all(400_000, 100_000))).toBeCloseTo(0.3 + 0.2);
  });

  test("knows no energy where there is no counter", () => {
    expect(energyCounters(join(folder, "absent"))).toBeNull();
    expect(energyCounters(folder)).toBeNull();
    expect(joulesBetween(null, null)).toBeNull();
  });
});

const row = (configuration: ConfigurationId, files: FileKind, joules: number | null = null): Row => ({
  ...{ configuration, files, images: 10, imagesPerSecond: 50, p50Ms: 20, p95Ms: 30, cores: 1, peakMiB: 100 },
  ...{ joulesPerImage: joules, watts: joules === null ? null : joules * 50 },
});

const TABLES: Tables = {
  ...{ utc: "2030-01-02T03:04:05.000Z", environment: { node: "v0" }, cores: 4, raspberryPi: false, threads: 1 },
  ...{ model: "m", bare: "m" },
  rows: [row("bare", "rasters"), row("usb", "films"), row("async", "small")],
};

const lineOf = (page: string, ...words: readonly string[]) =>
  page.split("\n").find((line) => line.startsWith("|") && words.every((word) => line.includes(word)));

describe("the page", () => {
  test("says unmeasured of what was not measured, and never gives an LV06 watts", () => {
    const page = pageOf(TABLES);
    expect(lineOf(page, "Raspberry Pi")).toBe(
      "| any of these on a Raspberry Pi | – | – | – | unmeasured | – | – | – |",
    );
    expect(lineOf(page, "kermany-plain")).toContain("unmeasured");
    expect(lineOf(page, "ASIC power")).toBe(`| ASIC power | 0 → 3.5 W | ${NO_HARDWARE} |`);
    expect(lineOf(page, "total power")).toBe(`| total power | 250 → 253.5 W | ${NO_COUNTER} |`);
    expect(lineOf(page, "async", "1.00")).toBe(
      `| Hybrid (async + cache), 4 under way | 224×224 JPEG | 1.00 | 25 % | 100 | ${NO_COUNTER} | ${NO_HARDWARE} |`,
    );
    const measured = pageOf({ ...TABLES, rows: [row("bare", "rasters", 0.5), row("async", "small", 0.6)] });
    expect(lineOf(measured, "total power")).toContain("25.0 W → 30.0 W of the CPU packages alone");
    expect(lineOf(measured, "total power")).toContain(NO_HARDWARE);
  });

  test("calls simulated every row of the model device", () => {
    const lines = pageOf(TABLES).split("\n");
    const ofDevice = lines.filter((line) => line.startsWith("|") && line.includes("model device"));
    expect(ofDevice.length).toBeGreaterThan(0);
    expect(ofDevice.filter((line) => !line.includes("(simulated)"))).toEqual([]);
  });
});

test("the bench measures every configuration in a short run, by itself", { timeout: 240_000 }, () => {
  const page = join(folder, "page.md");
  const run = spawnSync(process.execPath, ["test/bench/main.ts", "tables", "--quick", "--page", page], {
    encoding: "utf8",
  });
  expect(run.stderr).not.toContain("Error");
  expect(run.status).toBe(0);
  const text = readFileSync(page, "utf8");
  for (const name of ["bare", "921,600 baud", "1.216 MB/s", "from this CPU", "(cached)", "(async + cache)"]) {
    // One line of the throughput and one of the resources at least.
    expect(
      text.split("\n").filter((line) => /^\| (CNN|Hybrid)/.test(line) && line.includes(name)).length,
    ).toBeGreaterThan(1);
  }
});

test("the bench knows its parts", () => {
  const run = spawnSync(process.execPath, ["test/bench/main.ts", "table"], { encoding: "utf8" });
  expect(run.status).not.toBe(0);
  expect(run.stderr).toContain("the bench has no part table; there are: all, tables");
});
