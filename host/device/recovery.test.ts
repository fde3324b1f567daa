import { describe, expect, it } from "vitest";
import { RECOVERY_LIMITS, RecoveryLadder, type RecoveryLimits, type Trouble } from "./recovery.ts";

const HOUR_MS = 3_600_000;

/** Feeds one trouble after the other, each when the wait before it is over. */
function climb(troubles: readonly Trouble[], limits: Partial<RecoveryLimits> = {}) {
  const ladder = new RecoveryLadder(limits);
  let nowMs = 0;
  const steps = troubles.map((trouble) => {
    const step = ladder.next(trouble, "DEVICE_X", nowMs, 1);
    nowMs += step.waitMs;
    return step;
  });
  return { ladder, nowMs, steps, rungs: steps.map(({ rung }) => rung) };
}

const times = (count: number, trouble: Trouble): Trouble[] => Array.from({ length: count }, () => trouble);

describe("the recovery ladder", () => {
  it("resets a silent device, opens it anew, and so on by turns, then leaves it alone for a while", () => {
    expect(climb(times(6, "silent")).rungs).toEqual(["reset", "reopen", "reset", "reopen", "reset", "rest"]);
    expect(climb(times(6, "silent")).steps.at(-1)?.waitMs).toBe(RECOVERY_LIMITS.restMs);
  });

  it("climbs from the foot again after the rest", () => {
    expect(climb(times(7, "silent")).rungs.at(-1)).toBe("reset");
  });

  it("resets no more often than the hour's budget allows, whatever happens between", () => {
    const { rungs, nowMs } = climb(times(200, "silent"));
    const resets = rungs.filter((rung) => rung === "reset").length;
    expect(resets).toBeLessThanOrEqual(RECOVERY_LIMITS.resetsAnHour * Math.ceil(nowMs / HOUR_MS));
    expect(nowMs).toBeGreaterThan(HOUR_MS);
    expect(resets).toBeGreaterThan(RECOVERY_LIMITS.resetsAnHour);
  });

  it("keeps the count of resets when the device has served in between", () => {
    const ladder = new RecoveryLadder();
    const rungs = Array.from({ length: 6 }, (_, i) => {
      const { rung } = ladder.next("silent", "DEVICE_DEADLINE", i * 1000, 1);
      ladder.stayed(RECOVERY_LIMITS.provenMs);
      return rung;
    });
    expect(rungs).toEqual(["reset", "reset", "reset", "reset", "reopen", "reopen"]);
    expect(ladder.view(6000)).toEqual({ rung: "none", reason: null, failures: 0, resets: 4 });
    expect(ladder.next("silent", "DEVICE_DEADLINE", HOUR_MS + 1, 1).rung).toBe("reset");
  });

  it("never resets what is not there, held by another program, or was just lost", () => {
    for (const trouble of ["absent", "unopened", "lost"] as const) {
      expect(climb(times(20, trouble)).rungs).not.toContain("reset");
    }
  });

  it("looks for an absent device for ever, at most every thirty seconds", () => {
    const { rungs, steps } = climb(times(50, "absent"));
    expect(new Set(rungs)).toEqual(new Set(["reopen"]));
    expect(steps.slice(0, 8).map(({ waitMs }) => waitMs)).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
    expect(steps.at(-1)?.waitMs).toBe(30_000);
  });

  it("leaves a device alone that restarts again and again", () => {
    expect(climb(times(6, "lost")).rungs.at(-1)).toBe("rest");
  });

  it("begins anew when the device was away in between", () => {
    const { rungs } = climb([...times(5, "silent"), "absent", ...times(5, "silent")], { resetsAnHour: 100 });
    expect(rungs).not.toContain("rest");
  });

  it("waits between half and all of the doubled time", () => {
    const ladder = new RecoveryLadder();
    expect(ladder.next("absent", "DEVICE_ABSENT", 0, 0).waitMs).toBe(250);
  });

  it("takes a device for well only after it has stayed for a minute, and serves", () => {
    const { ladder, nowMs } = climb(["lost", "lost"]);
    ladder.stayed(RECOVERY_LIMITS.provenMs - 1);
    expect(ladder.view(nowMs).failures).toBe(2);
    ladder.asked(false);
    ladder.stayed(RECOVERY_LIMITS.provenMs);
    expect(ladder.view(nowMs).failures).toBe(2);
    ladder.asked(true);
    ladder.stayed(RECOVERY_LIMITS.provenMs);
    expect(ladder.view(nowMs)).toMatchObject({ rung: "none", reason: null, failures: 0 });
  });

  it("holds nothing against another device but the hour's resets", () => {
    const { ladder, nowMs } = climb(["silent", "silent"]);
    ladder.asked(false);
    ladder.replaced();
    expect(ladder.view(nowMs)).toEqual({ rung: "none", reason: null, failures: 0, resets: 1 });
  });

  it("ends waits for what is plugged three times in five minutes, and rests as soon as without", () => {
    const ladder = new RecoveryLadder();
    const step = (nowMs: number) => ladder.next("lost", "DEVICE_CLOSED", nowMs, 1);
    const plugs = [0, 1000, 2000, 3000, 4000].map((nowMs) => {
      step(nowMs);
      return ladder.replugged(nowMs);
    });
    expect(plugs).toEqual([true, true, true, false, false]);
    expect(step(5000)).toEqual({ rung: "rest", waitMs: RECOVERY_LIMITS.restMs });
    expect(ladder.replugged(RECOVERY_LIMITS.restMs)).toBe(true);
  });

  it("tells rung, reason and counts", () => {
    const { ladder, nowMs } = climb(["silent", "silent", "silent"]);
    expect(ladder.view(nowMs)).toEqual({ rung: "reset", reason: "DEVICE_X", failures: 3, resets: 2 });
  });
});
