import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../host/device/testing/fake-clock.ts";
import { LiveClock } from "./live-clock.ts";

function clocks() {
  const source = new FakeClock();
  return { source, clock: new LiveClock(source) };
}

describe("the clock of a recording", () => {
  it("begins at 0 and calls a timer at its own time, however late it is", async () => {
    const source = new FakeClock();
    await source.advance(777);
    const clock = new LiveClock(source);
    expect(clock.nowMs()).toBe(0);
    const seen: number[] = [];
    clock.after(10.0004, () => seen.push(clock.nowMs()));
    clock.after(5, () => seen.push(clock.nowMs()));
    const cancel = clock.after(7, () => seen.push(-1));
    cancel();
    await source.advance(50);
    await turn();
    expect(seen).toEqual([5, 10.001]);
  });

  it("stands still while something is dealt with", async () => {
    const { source, clock } = clocks();
    await source.advance(3);
    clock.happened(() => {});
    await turn();
    expect(clock.nowMs()).toBe(3);
    await source.advance(100);
    expect(clock.nowMs()).toBe(3);
  });

  it("deals with a late timer before what came after it was due, and with what that set off", async () => {
    const { source, clock } = clocks();
    const order: string[] = [];
    const late = Promise.withResolvers<void>();
    void late.promise.then(() => order.push(`set off ${clock.nowMs()}`));
    clock.after(5, () => {
      order.push(`timer ${clock.nowMs()}`);
      late.resolve();
    });
    // The source has not called the timer yet when the chunk comes.
    const advancing = source.advance(8);
    clock.happened(() => order.push(`chunk ${clock.nowMs()}`));
    await advancing;
    clock.happened(() => order.push(`later ${clock.nowMs()}`));
    await turn();
    await turn();
    await turn();
    expect(order).toEqual(["chunk 0", "timer 5", "set off 5", "later 8"]);
  });

  it("lets whoever waits go on at the time at which it ended, and notes how", async () => {
    const { source, clock } = clocks();
    const noted: unknown[] = [];
    const work = Promise.withResolvers<string>();
    const ended = clock.ended(work.promise, ({ error }) => noted.push(error));
    await source.advance(4);
    work.resolve("done");
    expect(await ended).toBe("done");
    expect(clock.nowMs()).toBe(4);
    await expect(clock.ended(Promise.reject(new Error("no")), ({ error }) => noted.push(error))).rejects.toThrow("no");
    expect(noted).toEqual([undefined, new Error("no")]);
  });

  it("calls no timer once it was stopped", async () => {
    const { source, clock } = clocks();
    let called = false;
    clock.after(5, () => {
      called = true;
    });
    clock.stop();
    await source.advance(50);
    clock.happened(() => {});
    await turn();
    expect(called).toBe(false);
  });
});
