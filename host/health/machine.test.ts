import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { clockSynced, type MachineFiles, machineFigures, ProcessMeter, throttleNames } from "./machine.ts";

const missing: MachineFiles = {
  cpuTemp: "/x/t",
  throttled: "/x/h",
  sys: "/x",
  clockSynced: "/x/s",
  clockKeeper: "/x/k",
};

test("what this machine does not tell is absent", async () => {
  const figures = await machineFigures("/nowhere", missing);
  expect(figures).not.toHaveProperty("cpuTempC");
  expect(figures).not.toHaveProperty("throttled");
  expect(figures).not.toHaveProperty("diskFreeBytes");
  expect(figures.cores).toBeGreaterThan(0);
  expect(clockSynced(missing)).toBeNull();
});

test("what it tells is read in its units", async () => {
  const folder = mkdtempSync(join(tmpdir(), "machine-"));
  try {
    const at = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const files = {
      ...missing,
      cpuTemp: at("temp", "48312\n"),
      throttled: at("flags", "50005\n"),
      clockKeeper: folder,
    };
    const figures = await machineFigures(folder, files);
    expect(figures.cpuTempC).toBe(48.312);
    expect(figures.throttled).toEqual([
      "under-voltage",
      "throttled",
      "under-voltage-since-boot",
      "throttled-since-boot",
    ]);
    expect(figures.diskTotalBytes).toBeGreaterThan(figures.diskFreeBytes ?? Number.POSITIVE_INFINITY);
    expect(clockSynced(files)).toBe(false);
    expect(clockSynced({ ...files, clockSynced: at("synchronized", "") })).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a Raspberry Pi without those flags tells of its supply by a driver's alarm", async () => {
  const sys = mkdtempSync(join(tmpdir(), "machine-"));
  try {
    const driver = join(sys, "class/hwmon/hwmon1");
    mkdirSync(driver, { recursive: true });
    writeFileSync(join(driver, "name"), "rpi_volt\n");
    for (const [alarm, throttled] of [
      ["1\n", ["under-voltage"]],
      ["0\n", []],
    ] as const) {
      writeFileSync(join(driver, "in0_lcrit_alarm"), alarm);
      expect((await machineFigures(sys, { ...missing, sys })).throttled).toEqual(throttled);
    }
  } finally {
    rmSync(sys, { recursive: true });
  }
});

test("no flag is no name", () => {
  expect(throttleNames(0)).toEqual([]);
});

test("a loop that was held shows in its delay", async () => {
  const meter = new ProcessMeter();
  meter.start();
  await sleep(30);
  const until = performance.now() + 80;
  while (performance.now() < until);
  await sleep(30);
  const { loopDelayP99Ms, rssBytes } = meter.read();
  meter.stop();
  expect(loopDelayP99Ms).toBeGreaterThan(40);
  expect(rssBytes).toBeGreaterThan(1_000_000);
});
