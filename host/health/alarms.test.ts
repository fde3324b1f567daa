import { expect, test } from "vitest";
import { nextAlarms } from "./alarms.ts";

const NONE = new Map();

test("an alarm is told once when it is raised, and once when it is cleared, with when it began", () => {
  const raised = nextAlarms(NONE, { DISK_LOW: true }, 100);
  const still = nextAlarms(raised.alarms, { DISK_LOW: true }, 200);
  const cleared = nextAlarms(still.alarms, { DISK_LOW: false }, 300);
  expect(raised.changes).toMatchObject([{ code: "DISK_LOW", raised: true, sinceUtcMs: 100 }]);
  expect(still.changes).toEqual([]);
  expect(still.alarms.get("DISK_LOW")?.sinceUtcMs).toBe(100);
  expect(cleared.changes).toMatchObject([{ code: "DISK_LOW", raised: false, sinceUtcMs: 100 }]);
  expect(cleared.alarms.size).toBe(0);
});

test("alarms come and go independently", () => {
  const { alarms } = nextAlarms(NONE, { DISK_LOW: true, DEVICE_ABSENT: true }, 1);
  const next = nextAlarms(alarms, { DISK_LOW: true, DEVICE_ABSENT: false, BROKER_AWAY: true }, 2);
  expect([...next.alarms.keys()].toSorted()).toEqual(["BROKER_AWAY", "DISK_LOW"]);
  expect(next.changes.map(({ code, raised }) => [code, raised])).toEqual([
    ["BROKER_AWAY", true],
    ["DEVICE_ABSENT", false],
  ]);
});

test("what is not known neither raises nor clears", () => {
  expect(nextAlarms(NONE, {}, 1).alarms.size).toBe(0);
  const { alarms } = nextAlarms(NONE, { POWER: true }, 1);
  expect(nextAlarms(alarms, {}, 2)).toMatchObject({ alarms, changes: [] });
});

test("the set that was given is left as it was", () => {
  const { alarms } = nextAlarms(NONE, { POWER: true }, 1);
  nextAlarms(alarms, { POWER: false }, 2);
  expect(alarms.size).toBe(1);
});

test("an alarm of the device says which one, from its raising to its clearing, and no other does", () => {
  const [first, second] = [
    { id: "lv06-a", simulated: true },
    { id: "lv06-b", simulated: false },
  ];
  const raised = nextAlarms(NONE, { DISK_LOW: true, DEVICE_DISTRUSTED: true }, 1, first);
  expect(raised.alarms.get("DEVICE_DISTRUSTED")?.device).toEqual(first);
  expect(raised.alarms.get("DISK_LOW")).not.toHaveProperty("device");
  const cleared = nextAlarms(raised.alarms, { DEVICE_DISTRUSTED: false }, 2, second);
  expect(cleared.changes).toMatchObject([{ code: "DEVICE_DISTRUSTED", raised: false, device: first }]);
});
