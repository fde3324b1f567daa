import { describe, expect, test } from "vitest";
import { type IdleAction, type IdleState, idleDone, isPaused, NOT_IDLE, nextIdle, sawPaused } from "./idle-pause.ts";
import type { OrderOutcome } from "./miner-orders.ts";

const MINUTE_MS = 60_000;

/** A miner under a clock of its own, that answers each action with an outcome. */
class Played {
  state: IdleState = NOT_IDLE;
  nowMs = 0;
  busy = false;
  connected = true;
  answer: (action: IdleAction) => OrderOutcome = () => "done";
  /** Action and second. */
  readonly asked: [IdleAction, number][] = [];

  /** A look a second. */
  pass(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 1000) this.#step();
  }

  #step(): void {
    const { state, action } = nextIdle(this.state, this);
    this.state = state;
    if (action === null) return;
    this.asked.push([action, this.nowMs / 1000]);
    this.state = idleDone(state, action, this.answer(action), this.nowMs);
  }
}

test("after five minutes with nothing to seal the miner is switched off, once", () => {
  const played = new Played();
  played.pass(5 * MINUTE_MS);
  expect(played.asked).toEqual([]);
  played.pass(60 * MINUTE_MS);
  expect(played.asked).toEqual([["pause", 300]]);
});

test("when something is to be sealed it is switched on at once, and the five minutes begin anew", () => {
  const played = new Played();
  played.pass(6 * MINUTE_MS);
  played.busy = true;
  played.pass(10_000);
  expect(played.asked).toEqual([
    ["pause", 300],
    ["resume", 360],
  ]);
  played.busy = false;
  played.pass(6 * MINUTE_MS);
  expect(played.asked.at(-1)).toEqual(["pause", 670]);
});

test("a seal every four minutes keeps it on", () => {
  const played = new Played();
  for (let seal = 0; seal < 10; seal++) {
    played.busy = false;
    played.pass(4 * MINUTE_MS);
    played.busy = true;
    played.pass(2000);
  }
  expect(played.asked).toEqual([]);
});

test("one that does not work for our pool is not switched off", () => {
  const played = new Played();
  played.connected = false;
  played.pass(60 * MINUTE_MS);
  expect(played.asked).toEqual([]);
});

test("firmware that knows no pause is asked again after an hour, and counts as hashing", () => {
  const played = new Played();
  played.answer = () => "unsupported";
  played.pass(130 * MINUTE_MS);
  expect(played.asked.map(([, second]) => second)).toEqual([300, 3900, 7500]);
  expect(isPaused(played.state)).toBe(false);
});

describe("nothing is left standing still", () => {
  test("a pause that was not answered may have been taken: it is undone when work comes", () => {
    const played = new Played();
    played.answer = (action) => (action === "pause" ? "failed" : "done");
    played.pass(6 * MINUTE_MS);
    expect(isPaused(played.state)).toBe(true);
    played.busy = true;
    played.pass(1000);
    expect(played.asked.at(-1)).toEqual(["resume", 360]);
    expect(isPaused(played.state)).toBe(false);
  });

  test("a resume that fails is tried every five seconds until it is taken", () => {
    const played = new Played();
    played.answer = (action) => (action === "resume" ? "failed" : "done");
    played.pass(6 * MINUTE_MS);
    played.busy = true;
    played.pass(12_000);
    expect(played.asked.slice(1).map(([, second]) => second)).toEqual([360, 365, 370]);
    played.answer = () => "done";
    played.pass(10_000);
    expect(played.asked).toHaveLength(5);
    expect(isPaused(played.state)).toBe(false);
  });

  test("one that is found standing still while nothing waits is switched on when work comes", () => {
    const played = new Played();
    played.pass(1000);
    played.state = sawPaused(played.state, true);
    played.busy = true;
    played.pass(2000);
    expect(played.asked).toEqual([["resume", 1]]);
  });

  test("one that its owner pauses amid work is left alone", () => {
    const played = new Played();
    played.busy = true;
    played.pass(1000);
    played.state = sawPaused(played.state, true);
    played.pass(10_000);
    expect(played.asked).toEqual([]);
  });

  test("an answer from before the pause does not hide that it was told to", () => {
    const played = new Played();
    played.pass(6 * MINUTE_MS);
    played.state = sawPaused(sawPaused(played.state, false), null);
    expect(isPaused(played.state)).toBe(true);
  });
});
