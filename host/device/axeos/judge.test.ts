import { describe, expect, test } from "vitest";
import { LASTING, MINER_ALARMS, type MinerAlarmCode } from "./alarms.ts";
import { type JudgeState, judge, NOT_JUDGED, type Observation, type ProvenWork } from "./judge.ts";
import { LV06_LIMITS, S9_LIMITS } from "./limits.ts";
import { type MinerReading, readingOf } from "./reading.ts";

const WELL = readingOf({
  tempC: 58,
  vrTempC: 60,
  powerW: 12.5,
  inputMv: 5_060,
  hashrateGhs: 430,
  expectedGhs: 433.6,
  fanRpm: 4_000,
  fanPercent: 100,
  sharesAccepted: 1_000,
  sharesRejected: 2,
  uptimeS: 10_000,
  fallbackPool: false,
  miningPaused: false,
  overheated: false,
});

/** A miner that is looked at every 10 s. */
class Case {
  state: JudgeState = NOT_JUDGED;
  nowMs = 0;
  held = new Set<MinerAlarmCode>();
  limits = LV06_LIMITS;
  shouldHash = true;
  proven: ProvenWork | null = null;
  elsewhere: boolean | null = false;

  look(reading: MinerReading | null): readonly MinerAlarmCode[] {
    const { nowMs, shouldHash, proven, elsewhere } = this;
    const observation: Observation = { nowMs, reading, shouldHash, proven, elsewhere };
    const { state, conditions } = judge(this.state, observation, this.limits);
    this.state = state;
    for (const code of Object.keys(conditions) as MinerAlarmCode[]) {
      if (conditions[code]) this.held.add(code);
      else this.held.delete(code);
    }
    return [...this.held].sort();
  }

  /** Looks until `ms` later, inclusive. */
  during(ms: number, reading: MinerReading | null): readonly MinerAlarmCode[] {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      this.nowMs += 10_000;
      this.look(reading);
    }
    return [...this.held].sort();
  }
}

const with_ = (changes: Partial<MinerReading>) => ({ ...WELL, ...changes });
const MINUTE = 60_000;

function started(): Case {
  const it = new Case();
  it.look(WELL);
  return it;
}

describe("a miner that is well", () => {
  test("raises nothing, and every alarm that can be judged is known not to hold", () => {
    const it = started();
    it.proven = { sinceMs: 3_600_000, meanMs: 2_500, difficulty: 256, hashrateGhs: 428 };
    expect(it.during(60 * MINUTE, WELL)).toEqual([]);
    const { conditions } = judge(
      it.state,
      { nowMs: it.nowMs, reading: WELL, shouldHash: true, proven: it.proven, elsewhere: false },
      LV06_LIMITS,
    );
    const unknown = ["MINER_REJECTS", "MINER_REJECTS_MANY", "MINER_CHIPS"];
    expect(Object.keys(conditions).sort()).toEqual(
      Object.keys(MINER_ALARMS)
        .filter((code) => !unknown.includes(code))
        .sort(),
    );
  });

  test("of which nothing is known raises nothing but that it is there", () => {
    const { conditions } = judge(
      NOT_JUDGED,
      { nowMs: 0, reading: readingOf({}), shouldHash: true, proven: null, elsewhere: null },
      LV06_LIMITS,
    );
    expect(conditions).toEqual({ MINER_OFFLINE: false, MINER_FAULT: false, MINER_RESTARTED: false });
  });
});

describe("an alarm", () => {
  test("has a time to last and an action, each of them", () => {
    expect(Object.keys(LASTING)).toEqual(Object.keys(MINER_ALARMS));
    for (const words of Object.values(MINER_ALARMS)) expect(words).toMatch(/^[A-Z].*: .*\.$/);
  });

  test("is raised at once for a hot chip and cleared only when it has been cool for a minute", () => {
    const it = started();
    expect(it.look(with_({ tempC: 74.9 }))).toEqual([]);
    expect(it.look(with_({ tempC: 75 }))).toEqual(["MINER_CHIP_HOT"]);
    expect(it.during(10 * MINUTE, with_({ tempC: 72 }))).toEqual(["MINER_CHIP_HOT"]);
    expect(it.during(50_000, with_({ tempC: 69 }))).toEqual(["MINER_CHIP_HOT"]);
    expect(it.during(MINUTE, with_({ tempC: 69 }))).toEqual([]);
  });

  test("of a hot chip stays when the temperature is no longer known", () => {
    const it = started();
    it.look(with_({ tempC: 80 }));
    expect(it.during(10 * MINUTE, with_({ tempC: null }))).toEqual(["MINER_CHIP_HOT"]);
    expect(it.during(MINUTE, null)).toContain("MINER_CHIP_HOT");
  });

  test("is raised for a hot regulator at 105 °C, and for the S9's chips at limits of their own", () => {
    const it = started();
    expect(it.look(with_({ vrTempC: 104 }))).toEqual([]);
    expect(it.look(with_({ vrTempC: 105 }))).toEqual(["MINER_VR_HOT"]);
    const s9 = started();
    s9.limits = S9_LIMITS;
    expect(s9.look(with_({ tempC: 95, inputMv: 100, powerW: 1 }))).toEqual([]);
  });

  test("is raised for a fan that stands still though it is driven", () => {
    const it = started();
    expect(it.during(MINUTE, with_({ fanRpm: 0, fanPercent: 0 }))).toEqual([]);
    expect(it.during(MINUTE, with_({ fanRpm: 0, fanPercent: null }))).toEqual(["MINER_FAN"]);
    expect(it.during(MINUTE, WELL)).toEqual([]);
  });

  test("is raised for a low supply, between two limits nothing changes", () => {
    const it = started();
    expect(it.during(MINUTE, with_({ inputMv: 4_920 }))).toEqual([]);
    expect(it.during(MINUTE, with_({ inputMv: 4_899 }))).toEqual(["MINER_VOLTAGE"]);
    expect(it.during(10 * MINUTE, with_({ inputMv: 4_920 }))).toEqual(["MINER_VOLTAGE"]);
    expect(it.during(2 * MINUTE, with_({ inputMv: 4_960 }))).toEqual([]);
  });

  test("is raised when it does not answer for a minute, and cleared with its first answer", () => {
    const it = started();
    expect(it.during(MINUTE, null)).toEqual([]);
    expect(it.during(10_000, null)).toEqual(["MINER_OFFLINE"]);
    expect(it.during(10_000, WELL)).toEqual([]);
  });

  test("is raised for 10 minutes below 0.75 of what is expected, without a break", () => {
    const it = started();
    const slow = with_({ hashrateGhs: 300 });
    expect(it.during(9 * MINUTE, slow)).toEqual([]);
    it.during(10_000, WELL);
    expect(it.during(10 * MINUTE, slow)).toEqual([]);
    expect(it.during(10_000, slow)).toEqual(["MINER_SLOW"]);
    expect(it.during(5 * MINUTE, with_({ hashrateGhs: 340 }))).toEqual(["MINER_SLOW"]);
    expect(it.during(2 * MINUTE, WELL)).toEqual([]);
  });

  test("looks at the longer average where there is one", () => {
    const it = started();
    expect(it.during(15 * MINUTE, with_({ hashrateGhs: 200, hashrateLongGhs: 430 }))).toEqual([]);
  });

  test("of slowness, standstill or missing shares is not raised while the miner need not hash", () => {
    const it = started();
    it.shouldHash = false;
    it.proven = { sinceMs: 0, meanMs: 2_500, difficulty: 256, hashrateGhs: 1 };
    expect(it.during(30 * MINUTE, with_({ hashrateGhs: 0, miningPaused: true }))).toEqual([]);
    it.shouldHash = true;
    it.proven = null;
    expect(it.during(4 * MINUTE, with_({ hashrateGhs: 0 }))).toEqual(["MINER_NOT_HASHING"]);
    it.shouldHash = false;
    expect(it.during(10_000, with_({ hashrateGhs: 0 }))).toEqual([]);
  });

  test("is raised for a miner that shows a stale hashrate with its chips off", () => {
    const it = started();
    expect(it.during(4 * MINUTE, with_({ powerW: 2.1, tempC: null }))).toEqual(["MINER_NOT_HASHING"]);
    const hot = started();
    expect(hot.during(4 * MINUTE, with_({ overheated: true }))).toEqual(["MINER_CHIP_HOT", "MINER_NOT_HASHING"]);
  });

  test("is raised when no valid share came for 7 times the mean, but not within two minutes", () => {
    const it = started();
    it.proven = { sinceMs: 0, meanMs: 2_500, difficulty: 256, hashrateGhs: 430 };
    expect(it.during(110_000, WELL)).toEqual([]);
    expect(it.during(10_000, WELL)).toEqual(["MINER_NO_SHARE"]);
    it.proven = { sinceMs: it.nowMs, meanMs: 30_000, difficulty: 256, hashrateGhs: 430 };
    expect(it.during(200_000, WELL)).toEqual([]);
    expect(it.during(10_000, WELL)).toEqual(["MINER_NO_SHARE"]);
  });

  test("is raised when a miner has sent too few shares to know it by, for 21 times what its clock promises", () => {
    const it = started();
    it.proven = { sinceMs: 0, meanMs: null, difficulty: 65_536, hashrateGhs: null };
    const promisedMs = (65_536 * 2 ** 32) / 433.6e6;
    expect(it.during(20.9 * promisedMs, WELL)).toEqual([]);
    expect(it.during(0.2 * promisedMs, WELL)).toEqual(["MINER_NO_SHARE"]);
    it.proven = { ...it.proven, sinceMs: it.nowMs };
    expect(it.during(20.9 * promisedMs, null)).not.toContain("MINER_NO_SHARE");
    expect(it.during(0.2 * promisedMs, null)).toContain("MINER_NO_SHARE");
    const fast = started();
    fast.proven = { sinceMs: 0, meanMs: null, difficulty: 65_536, hashrateGhs: null };
    expect(fast.during(0.6 * 20.9 * promisedMs, with_({ expectedGhs: 867.2 }))).toContain("MINER_NO_SHARE");
  });

  test("of too few shares is not raised within ten minutes, be there none at all or no difficulty yet", () => {
    for (const difficulty of [256, null]) {
      const it = started();
      it.proven = { sinceMs: 0, meanMs: null, difficulty, hashrateGhs: null };
      expect(it.during(590_000, WELL)).toEqual([]);
      expect(it.during(10_000, WELL)).toEqual(["MINER_NO_SHARE"]);
    }
  });

  test("is not raised for an LV06 as slow as the recorded one, 7.1 s a share, before its speed is known", () => {
    const it = started();
    for (let share = 0; share < 7; share++) {
      // Each share takes seven times the mean: a healthy miner does that once in 1,100 shares.
      it.proven = { sinceMs: it.nowMs, meanMs: null, difficulty: 256, hashrateGhs: null };
      expect(it.during(7 * 7_100, WELL)).toEqual([]);
    }
  });

  test("of missing shares is raised for a miner that does not answer, too: shares are what counts", () => {
    const it = started();
    it.proven = { sinceMs: 0, meanMs: 2_500, difficulty: 256, hashrateGhs: 430 };
    expect(it.during(3 * MINUTE, null)).toEqual(["MINER_NO_SHARE", "MINER_OFFLINE"]);
  });

  test("is raised for a miner that claims more than twice what its shares prove", () => {
    const it = started();
    it.proven = { sinceMs: 1e9, meanMs: 8_000, difficulty: 256, hashrateGhs: 140 };
    expect(it.during(10 * MINUTE, WELL)).toEqual([]);
    expect(it.during(10_000, WELL)).toEqual(["MINER_OVERSTATES"]);
  });

  test("is raised for rejects among recent shares, whatever came before them", () => {
    const it = started();
    it.look(with_({ sharesAccepted: 1_040, sharesRejected: 9 }));
    expect(it.look(with_({ sharesAccepted: 1_041, sharesRejected: 9 }))).toEqual([]);
    expect(it.look(with_({ sharesAccepted: 1_060, sharesRejected: 9 }))).toEqual([
      "MINER_REJECTS",
      "MINER_REJECTS_MANY",
    ]);
    expect(it.look(with_({ sharesAccepted: 1_100, sharesRejected: 9 }))).toEqual(["MINER_REJECTS"]);
    expect(it.look(with_({ sharesAccepted: 1_250, sharesRejected: 9 }))).toEqual([]);
  });

  test("of rejects takes counters that start again for new ones, not for fewer than none", () => {
    const it = started();
    expect(it.look(with_({ sharesAccepted: 60, sharesRejected: 0, uptimeS: 10_010 }))).toEqual([]);
    expect(it.look(with_({ sharesAccepted: 60, sharesRejected: 8, uptimeS: 10_020 }))).toEqual([
      "MINER_REJECTS",
      "MINER_REJECTS_MANY",
    ]);
  });

  test("is raised when the uptime goes backwards, also over a gap, and cleared 10 minutes later", () => {
    const it = started();
    it.during(30_000, null);
    expect(it.during(10_000, with_({ uptimeS: 12 }))).toEqual(["MINER_RESTARTED"]);
    expect(it.during(9 * MINUTE, with_({ uptimeS: 600 }))).toEqual(["MINER_RESTARTED"]);
    expect(it.during(2 * MINUTE, with_({ uptimeS: 700 }))).toEqual([]);
    expect(it.look(with_({ uptimeS: 697 }))).toEqual([]);
  });

  test("is raised for a miner that is set to another pool after five minutes, and cleared when it works for ours", () => {
    const it = started();
    it.elsewhere = true;
    expect(it.during(5 * MINUTE, WELL)).toEqual([]);
    expect(it.during(10_000, WELL)).toEqual(["MINER_ELSEWHERE"]);
    it.elsewhere = null;
    expect(it.during(5 * MINUTE, WELL)).toEqual(["MINER_ELSEWHERE"]);
    it.elsewhere = false;
    expect(it.look(WELL)).toEqual([]);
  });

  describe("of a restart", () => {
    const OURS = { address: "10.0.0.2:3333", user: "lv06" };
    const OWNERS = { address: "pool.example:3333", user: "owner.lv06" };
    const ASKED = "Software reset via esp_restart";
    const looked = () => {
      const it = new Case();
      it.look(with_({ firstPool: OWNERS }));
      it.nowMs += 10_000;
      return it;
    };

    test("is not raised when the pool was changed between two looks", () => {
      expect(looked().look(with_({ firstPool: OURS, uptimeS: 5 }))).toEqual([]);
      expect(looked().look(with_({ firstPool: { ...OWNERS, user: "lv06" }, uptimeS: 5 }))).toEqual([]);
      expect(looked().look(with_({ firstPool: { ...OWNERS, address: "10.0.0.2:3333" }, uptimeS: 5 }))).toEqual([]);
      expect(looked().look(with_({ firstPool: OWNERS, uptimeS: 5 }))).toEqual(["MINER_RESTARTED"]);
      expect(looked().look(with_({ firstPool: null, uptimeS: 5 }))).toEqual(["MINER_RESTARTED"]);
    });

    test.each([ASKED, null])("is not raised when it follows soon after the pool was changed (%s)", (resetReason) => {
      const it = looked();
      it.during(20_000, with_({ firstPool: OURS }));
      it.during(2 * MINUTE, null);
      it.look(with_({ firstPool: OURS, uptimeS: 5, resetReason }));
      expect(it.held).not.toContain("MINER_RESTARTED");
    });

    test("is not raised at the look after the one that showed the change, however long that took", () => {
      const it = looked();
      it.look(with_({ firstPool: OURS }));
      it.nowMs += 60 * MINUTE;
      expect(it.look(with_({ firstPool: OURS, uptimeS: 3_000, resetReason: ASKED }))).toEqual([]);
    });

    test("is raised after a change of the pool when it comes late, comes again, or has another reason", () => {
      const late = looked();
      late.during(4 * MINUTE, with_({ firstPool: OURS }));
      expect(late.look(with_({ firstPool: OURS, uptimeS: 5, resetReason: ASKED }))).toEqual(["MINER_RESTARTED"]);
      const again = looked();
      again.during(20_000, with_({ firstPool: OURS }));
      again.look(with_({ firstPool: OURS, uptimeS: 30, resetReason: ASKED }));
      expect(again.look(with_({ firstPool: OURS, uptimeS: 5, resetReason: ASKED }))).toEqual(["MINER_RESTARTED"]);
      const crashed = looked();
      crashed.during(20_000, with_({ firstPool: OURS }));
      const resetReason = "Software reset due to exception/panic";
      expect(crashed.look(with_({ firstPool: OURS, uptimeS: 5, resetReason }))).toEqual(["MINER_RESTARTED"]);
    });
  });

  test("is raised for the fallback pool after a minute, for a fault at once, for missing chips after five minutes", () => {
    const it = started();
    expect(it.look(with_({ fault: "VIN undervoltage" }))).toEqual(["MINER_FAULT"]);
    expect(it.look(WELL)).toEqual([]);
    expect(it.during(70_000, with_({ fallbackPool: true }))).toEqual(["MINER_FALLBACK"]);
    expect(it.during(10_000, WELL)).toEqual([]);
    expect(it.during(6 * MINUTE, with_({ chipsMissing: 63 }))).toEqual(["MINER_CHIPS"]);
  });
});
