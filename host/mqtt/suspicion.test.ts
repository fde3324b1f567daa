import { expect, test } from "vitest";
import { type Ended, Suspicion } from "./suspicion.ts";

/** A suspicion after `losses` connections with messages 1, 2 and 3 under way. */
function after(losses: number, ended: Ended = "hung up"): Suspicion {
  const suspicion = new Suspicion();
  for (let i = 0; i < losses; i++) suspicion.lost([1, 2, 3], ended);
  return suspicion;
}

test("a connection lost now and then makes nobody suspect", () => {
  const suspicion = new Suspicion();
  for (let i = 0; i < 10; i++) {
    expect(suspicion.lost([1, 2, 3], "hung up")).toBeUndefined();
    suspicion.acknowledged();
  }
  expect(suspicion.careful).toBe(false);
});

test("after two without an acknowledgement messages are sent one at a time; at the broker's word after one", () => {
  expect([after(1).careful, after(2).careful, after(1, "blamed").careful]).toEqual([false, true, true]);
});

test("a message alone under way three times is to blame; at the broker's word at once", () => {
  const suspicion = after(2);
  expect([1, 1, 1].map((position) => suspicion.lost([position], "hung up"))).toEqual([undefined, undefined, 1]);
  expect(after(1, "blamed").lost([1], "blamed")).toBe(1);
});

test("an acknowledgement that stays out makes careful, and nobody guilty, not between hang-ups either", () => {
  const suspicion = after(2, "silent");
  expect(suspicion.careful).toBe(true);
  for (let i = 0; i < 10; i++) expect(suspicion.lost([1], "silent")).toBeUndefined();
  const mixed = ["hung up", "hung up", "silent", "hung up", "hung up"] as const;
  expect(new Set(mixed.map((ended) => suspicion.lost([1], ended)))).toEqual(new Set([undefined]));
  expect(suspicion.lost([1], "hung up")).toBe(1);
});

test("one that gets through is not, and the next is watched from the beginning", () => {
  const suspicion = after(2);
  suspicion.lost([1], "hung up");
  suspicion.lost([1], "hung up");
  suspicion.acknowledged();
  expect([2, 2, 2].map((position) => suspicion.lost([position], "hung up"))).toEqual([undefined, undefined, 2]);
});

test("nothing under way, nobody to blame", () => {
  const suspicion = after(2);
  for (let i = 0; i < 5; i++) expect(suspicion.lost([], "blamed")).toBeUndefined();
});

test("after 128 that got through messages are sent together again", () => {
  const suspicion = after(2);
  for (let i = 0; i < 127; i++) suspicion.acknowledged();
  expect(suspicion.careful).toBe(true);
  suspicion.acknowledged();
  expect(suspicion.careful).toBe(false);
});
