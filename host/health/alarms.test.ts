import { expect, test } from "vitest";
import { type AlarmSet, type AlarmTable, APPLIANCE_ALARMS, type Conditions, nextAlarms } from "./alarms.ts";

const NONE = new Map();
type Code = keyof typeof APPLIANCE_ALARMS.messages;

const next = (
  current: AlarmSet<Code>,
  conditions: Conditions<Code>,
  utcMs: number,
  subject?: { id: string; simulated: boolean },
) => nextAlarms(APPLIANCE_ALARMS, current, { conditions, utcMs, subject });

test("an alarm is told once when it is raised, and once when it is cleared, with when it began", () => {
  const raised = next(NONE, { DISK_LOW: true }, 100);
  const still = next(raised.alarms, { DISK_LOW: true }, 200);
  const cleared = next(still.alarms, { DISK_LOW: false }, 300);
  expect(raised.changes).toMatchObject([{ code: "DISK_LOW", raised: true, sinceUtcMs: 100 }]);
  expect(still.changes).toEqual([]);
  expect(still.alarms.get("DISK_LOW")?.sinceUtcMs).toBe(100);
  expect(cleared.changes).toMatchObject([{ code: "DISK_LOW", raised: false, sinceUtcMs: 100 }]);
  expect(cleared.alarms.size).toBe(0);
});

test("alarms come and go independently", () => {
  const { alarms } = next(NONE, { DISK_LOW: true, DEVICE_ABSENT: true }, 1);
  const later = next(alarms, { DISK_LOW: true, DEVICE_ABSENT: false, BROKER_AWAY: true }, 2);
  expect([...later.alarms.keys()].toSorted()).toEqual(["BROKER_AWAY", "DISK_LOW"]);
  expect(later.changes.map(({ code, raised }) => [code, raised])).toEqual([
    ["BROKER_AWAY", true],
    ["DEVICE_ABSENT", false],
  ]);
});

test("what is not known neither raises nor clears", () => {
  expect(next(NONE, {}, 1).alarms.size).toBe(0);
  const { alarms } = next(NONE, { POWER: true }, 1);
  expect(next(alarms, {}, 2)).toMatchObject({ alarms, changes: [] });
});

test("the set that was given is left as it was", () => {
  const { alarms } = next(NONE, { POWER: true }, 1);
  next(alarms, { POWER: false }, 2);
  expect(alarms.size).toBe(1);
});

test("an alarm of the device says which one, from its raising to its clearing, and no other does", () => {
  const [first, second] = [
    { id: "lv06-a", simulated: true },
    { id: "lv06-b", simulated: false },
  ];
  const raised = next(NONE, { DISK_LOW: true, DEVICE_DISTRUSTED: true }, 1, first);
  expect(raised.alarms.get("DEVICE_DISTRUSTED")?.device).toEqual(first);
  expect(raised.alarms.get("DISK_LOW")).not.toHaveProperty("device");
  const cleared = next(raised.alarms, { DEVICE_DISTRUSTED: false }, 2, second);
  expect(cleared.changes).toMatchObject([{ code: "DEVICE_DISTRUSTED", raised: false, device: first }]);
});

test("another table has alarms of its own, and names its subject in those that speak of it", () => {
  const table: AlarmTable<"HOT" | "FULL"> = {
    messages: { HOT: "Give it air.", FULL: "Empty it." },
    ofSubject: new Set(["HOT"]),
  };
  const subject = { id: "lv06.a", simulated: false };
  const { alarms } = nextAlarms(table, NONE, { conditions: { HOT: true, FULL: true }, utcMs: 5, subject });
  expect([...alarms.values()]).toEqual([
    { code: "HOT", message: "Give it air.", sinceUtcMs: 5, device: subject },
    { code: "FULL", message: "Empty it.", sinceUtcMs: 5 },
  ]);
});
