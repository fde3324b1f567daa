import { expect, test } from "vitest";
import { type Ending, TakeoverWatch } from "./takeover.ts";

const HOUR_MS = 3_600_000;
const TOLD: Ending = { code: "MQTT_TAKEN_OVER", livedMs: 600_000, unprovoked: false, reasoned: true };
const CUT: Ending = { code: "MQTT_LOST", livedMs: 2000, unprovoked: true, reasoned: false };

/** What the watch says of each in turn; null is an attempt that was not accepted. */
function said(endings: readonly (Ending | null)[]) {
  const watch = new TakeoverWatch();
  return endings.map((ending) => (ending === null ? watch.refused() : watch.ended(ending, 0)));
}

test("the broker's word is enough, and holds for an hour", () => {
  const watch = new TakeoverWatch();
  expect(watch.holds(0)).toBe(false);
  expect(watch.ended(TOLD, 1000)).toBe(true);
  expect(watch.holds(1000 + HOUR_MS - 1)).toBe(true);
  expect(watch.holds(1000 + HOUR_MS)).toBe(false);
});

test("without it, three short connections in a row are taken for it", () => {
  expect(said([CUT, CUT, CUT, CUT])).toEqual([false, false, true, true]);
});

test.each([
  ["one that lasted", { ...CUT, livedMs: 60_000 }],
  ["one that the broker ended with its reason", { ...CUT, reasoned: true }],
  ["one that ended for a reason", { ...CUT, code: "MQTT_DEADLINE" as const }],
  ["an attempt that the broker did not answer", null],
])("but not with %s between them", (_, other) => {
  expect(said([CUT, CUT, other, CUT, CUT]).filter((verdict) => verdict)).toEqual([]);
});

test("nor for a broker that says why it hangs up, however often", () => {
  const reasoned = { ...CUT, reasoned: true };
  expect(said([reasoned, reasoned, reasoned, reasoned])).toEqual([false, false, false, false]);
});

test("one that ended while a message was under way says nothing, by itself or between others", () => {
  const busy = { ...CUT, unprovoked: false };
  expect(said([busy, busy, busy, busy])).toEqual([false, false, false, false]);
  expect(said([CUT, busy, CUT, CUT])).toEqual([false, false, false, true]);
});
