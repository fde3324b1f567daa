import { expect, test } from "vitest";
import { ALARMS } from "./alarms.ts";
import { MODES, modesOf, stateOf } from "./modes.ts";

test("every alarm of a mode is an alarm of the appliance", () => {
  for (const alarm of Object.values(MODES).flat()) expect(Object.keys(ALARMS)).toContain(alarm);
});

test("without an alarm there is no mode, and all is well", () => {
  expect(modesOf(new Set())).toEqual([]);
  expect(stateOf(new Set())).toBe("ok");
});

test("modes are sorted and named once, whichever of their alarms hold", () => {
  expect(modesOf(new Set(["SEALING_FAILED", "DEVICE_ABSENT", "DEVICE_DISTRUSTED", "BROKER_AWAY"]))).toEqual([
    "offline",
    "software-only",
    "unsealed",
  ]);
});

test("an alarm that takes nothing away degrades", () => {
  expect(modesOf(new Set(["MINER_FAN"]))).toEqual([]);
  expect(stateOf(new Set(["MINER_FAN"]))).toBe("degraded");
});

test.each(["MODEL_UNAVAILABLE", "SELFCHECK_FAILED", "WORK_REFUSED"])("%s is failing: nothing is answered", (alarm) => {
  expect(stateOf(new Set([alarm, "MINER_FAN"]))).toBe("failing");
});

test("results that wait for broker, device or seal are no failure", () => {
  expect(stateOf(new Set(["BROKER_AWAY", "DEVICE_ABSENT", "SEALING_DEVICE_ABSENT"]))).toBe("degraded");
});
