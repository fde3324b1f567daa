import { expect, test } from "vitest";
import { Probation } from "./probation.ts";

const MINUTE_MS = 60_000;

/** When those set aside at 0 with `codes` are due, of the minutes given; the connection lives since `sinceMin`. */
function due(codes: readonly string[], minutes: readonly number[], sinceMin: number) {
  const probation = new Probation();
  for (const [position, code] of codes.entries()) probation.park(position, code, 0);
  return minutes.filter((minute) => {
    const nowMs = minute * MINUTE_MS;
    if (!probation.due(nowMs - sinceMin * MINUTE_MS, nowMs)) return false;
    probation.tried(nowMs);
    return true;
  });
}

test.each(["MQTT_LOST", "MQTT_BLAMED"])(
  "what was set aside for %s is tried once a connection has lived ten minutes, then every hour",
  (code) => {
    expect(due([code], [5, 11, 12, 71, 72, 131, 132], 2)).toEqual([12, 72, 132]);
  },
);

test("where no connection lives that long, every hour", () => {
  const probation = new Probation();
  probation.park(1, "MQTT_LOST", 0);
  expect(probation.due(MINUTE_MS, 59 * MINUTE_MS)).toBe(false);
  expect(probation.due(MINUTE_MS, 60 * MINUTE_MS)).toBe(true);
});

test.each(["MQTT_TOO_LARGE", "MQTT_FORM"])("what the broker refused as %s is not tried again", (code) => {
  expect(due([code], [10, 60, 600], 0)).toEqual([]);
});

test("it counts until it is acknowledged, is told once, and the next that is suspected is tried early again", () => {
  const probation = new Probation();
  expect(probation.park(1, "MQTT_LOST", 0)).toBe(true);
  probation.tried(10 * MINUTE_MS);
  expect([probation.park(1, "MQTT_LOST", 11 * MINUTE_MS), probation.size]).toEqual([false, 1]);
  expect(probation.due(10 * MINUTE_MS, 22 * MINUTE_MS)).toBe(false);
  probation.acknowledged(1);
  expect([probation.size, probation.due(60 * MINUTE_MS, 99 * MINUTE_MS)]).toEqual([0, false]);
  probation.park(2, "MQTT_LOST", 100 * MINUTE_MS);
  expect(probation.due(10 * MINUTE_MS, 110 * MINUTE_MS)).toBe(true);
});
