/** SPEC 5.5: what the device says of itself. */
import { sleep } from "../../../host/device/clock.ts";
import type { DeviceHealth } from "../../../host/device/device.ts";
import { parsePairs } from "../../../host/device/session/pairs.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, timed } from "./support/driver.ts";
import { expectErr, okWords } from "./support/expect.ts";
import { RawLine } from "./support/raw-line.ts";
import { restarted } from "./support/restarts.ts";

const MUST = { level: "MUST", needs: ["health"] } as const;
const VALUE = /^-?(0|[1-9][0-9]{0,8})(\.[0-9]{0,2}[1-9])?$/;
const NUMBERS = [
  ...["tempC", "vrTempC", "powerW", "inputMv", "currentMa", "coreMv", "frequencyMhz", "hashrateGhs", "errors"],
  ...["fanRpm", "freeHeapB", "uptimeS"],
];

/** What an LV06 can mean: anything else is another unit. */
const PLAUSIBLE: readonly (readonly [key: keyof DeviceHealth & string, least: number, most: number])[] = [
  ["tempC", -20, 150],
  ["vrTempC", -20, 150],
  ["powerW", 0.05, 100],
  ["inputMv", 3000, 30_000],
  ["currentMa", 10, 20_000],
  ["coreMv", 500, 2000],
  ["frequencyMhz", 25, 1200],
  ["hashrateGhs", 0, 5000],
  ["fanRpm", 0, 20_000],
  ["freeHeapB", 1024, 64 * 1024 * 1024],
  ["uptimeS", 0, 1e9],
];
/** What is 0 on no device that runs: there the value is not known, and must be absent. */
const NEVER_ZERO = [
  "tempC",
  "vrTempC",
  "powerW",
  "inputMv",
  "currentMa",
  "coreMv",
  "frequencyMhz",
  "freeHeapB",
] as const;

export const HEALTH_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/health/units",
    title: "Every value is one that an LV06 can have in the unit described",
    spec: ["SPEC 5.5"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const health = await bench.settle(device.health(), 5000);
      for (const [key, least, most] of PLAUSIBLE) {
        const value = health[key];
        if (typeof value !== "number") continue;
        expectThat(value >= least && value <= most, `${key}=${value} is not within ${least} to ${most}`);
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/health/absent-not-zero",
    title: "What the device does not know is absent, never 0",
    spec: ["SPEC 5.5"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const health = await bench.settle(device.health(), 5000);
      for (const key of NEVER_ZERO) expectThat(health[key] !== 0, `${key}=0 stands for not known`);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/health/form",
    title: "Values are decimal, without needless zeros, and the reset reason is one word",
    spec: ["SPEC 5.5"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const pairs = parsePairs(okWords(await line.ask("HEALTH"), "HEALTH"));
      for (const key of NUMBERS) {
        const value = pairs.get(key);
        if (value !== undefined) expectThat(VALUE.test(value), `${key}=${value}`);
      }
      const reason = pairs.get("resetReason");
      if (reason !== undefined) expectThat(/^[a-z-]{1,32}$/.test(reason), `resetReason=${reason}`);
      expectErr(await line.ask("HEALTH", ["x"]), "ARGS", "HEALTH with a word");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/health/consistent",
    title: "Power is about voltage times current, where the device tells all three",
    spec: ["SPEC 5.5"],
    level: "SHOULD",
    run: async (bench) => {
      const device = await openDevice(bench);
      const { powerW, inputMv, currentMa } = await bench.settle(device.health(), 5000);
      if (powerW !== undefined && inputMv !== undefined && currentMa !== undefined) {
        const product = (inputMv * currentMa) / 1e6;
        const close = Math.abs(product - powerW) <= 0.35 * Math.max(product, powerW);
        expectThat(close, `${inputMv} mV × ${currentMa} mA are ${product.toFixed(1)} W, not ${powerW} W`);
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/health/uptime",
    title: "Uptime counts in seconds, and begins anew with a restart",
    spec: ["SPEC 5.5"],
    can: ["restart"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const uptime = async (of: RawLine) => {
        const value = parsePairs(okWords(await of.ask("HEALTH"), "HEALTH")).get("uptimeS");
        return value === undefined ? undefined : Number(value);
      };
      const [first, startMs] = [await uptime(line), bench.clock.nowMs()];
      if (first === undefined) return;
      await bench.settle(sleep(bench.clock, 1100), 5000);
      const passedS = ((await uptime(line)) ?? 0) - first;
      const mostS = (bench.clock.nowMs() - startMs) / 1000 + 1;
      expectThat(passedS > 0 && passedS <= mostS, `uptimeS grew by ${passedS} within ${mostS - 1} s`);
      const restartMs = bench.clock.nowMs();
      const after = await restarted(bench, line);
      const now = (await uptime(after)) ?? 0;
      const sinceS = (bench.clock.nowMs() - restartMs) / 1000;
      expectThat(now <= sinceS, `${now} s after a restart, ${sinceS} s ago at most`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/health/prompt",
    title: "HEALTH is answered twenty times in a row; its time is measured",
    spec: ["SPEC 5.5", "SPEC 4.2"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (let times = 0; times < 20; times++)
        okWords(await timed(bench, "health", () => line.ask("HEALTH")), "HEALTH");
    },
  }),
];
