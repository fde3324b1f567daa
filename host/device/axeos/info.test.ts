import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseInfo, readInfo } from "./info.ts";
import { knownOf, type MinerReading, readingOf } from "./reading.ts";
import { PAYLOADS, type PayloadName } from "./testing/payloads.ts";

const names = Object.keys(PAYLOADS) as PayloadName[];
const read = (name: PayloadName) => parseInfo(JSON.stringify(PAYLOADS[name]));

describe("a reading", () => {
  test.each(names)("of %s (constructed) has rate, temperature, power and shares, in units", (name) => {
    const it = read(name);
    const rateGhs = name === "whitepaper" ? 500 : 430;
    expect(it.hashrateGhs).toBeGreaterThan(rateGhs - 5);
    expect(it.hashrateGhs).toBeLessThan(rateGhs + 5);
    expect(it.tempC).toBeGreaterThan(40);
    expect(it.powerW).toBeGreaterThan(3);
    expect(it.sharesAccepted).toBeGreaterThan(1000);
    expect(it.sharesRejected).not.toBeNull();
    expect(it.uptimeS).toBeGreaterThan(86_000);
    expect(it.firmware).not.toBeNull();
  });

  test.each(names.filter((name) => name !== "whitepaper"))("of %s (constructed) has supply, clock and fan", (name) => {
    const it = read(name);
    expect(it.inputMv).toBeGreaterThan(5_000);
    expect(it.currentMa).toBeGreaterThan(2_000);
    expect(it.frequencyMhz).toBe(485);
    expect(it.coreSetMv).toBe(1_200);
    expect(it.coreMv).toBeLessThan(1_200);
    expect(it.fanRpm).toBeGreaterThan(4_000);
    expect(it.fanPercent).toBe(100);
    expect(it.bestDifficulty).toBeGreaterThan(4_000_000);
    expect(it.vrTempC).toBeNull();
    expect(it.boardVersion).toBe("0.11");
  });

  test("of the whitepaper's form leaves unknown all that its appendix does not have", () => {
    const { hashrateGhs, tempC, powerW, sharesAccepted, sharesRejected, uptimeS, firmware, hostname, raw, ...rest } =
      read("whitepaper");
    expect({ hashrateGhs, tempC, powerW, sharesAccepted, sharesRejected, uptimeS, firmware, hostname }).toEqual({
      hashrateGhs: 500,
      tempC: 45,
      powerW: 3.5,
      sharesAccepted: 1234,
      sharesRejected: 5,
      uptimeS: 86_400,
      firmware: "1.0.0",
      hostname: "LV06",
    });
    expect(raw).toContain("500000000000");
    expect(Object.values(rest).filter((value) => value !== null)).toEqual([[], 0]);
  });

  test("takes the expected rate from the firmware, or from clock, cores and chips where it counts them", () => {
    expect(read("v2.8").expectedGhs).toBe(433.59);
    expect(read("v2.1.8").expectedGhs).toBeCloseTo(433.59, 6);
    expect(read("Lucky").expectedGhs).toBeNull();
  });

  test("reads a best difficulty as text and as a number", () => {
    expect(read("v2.10").bestDifficulty).toBe(4_290_000);
    expect(read("v2.11").bestDifficulty).toBe(4_290_000);
    expect(readInfo({ bestDiff: "2 M" }).bestDifficulty).toBe(2_000_000);
    expect(readInfo({ bestDiff: "0" }).bestDifficulty).toBe(0);
    expect(readInfo({ bestDiff: "4.29 apples" }).bestDifficulty).toBeNull();
  });

  test("reads the speed of a fan by the maker's name only in the maker's firmware", () => {
    expect(read("Lucky").fanRpm).toBe(4458);
    expect(readInfo({ fanSpeed: 60 }).fanRpm).toBeNull();
  });

  test("takes 0 and 1 as well as true and false", () => {
    expect(read("v2.4").fallbackPool).toBe(false);
    expect(read("LVXX").fallbackPool).toBe(false);
    expect(readInfo({ isUsingFallbackStratum: true }).fallbackPool).toBe(true);
    expect(readInfo({ isUsingFallbackStratum: 1 }).fallbackPool).toBe(true);
    expect(readInfo({ isUsingFallbackStratum: 2 }).fallbackPool).toBeNull();
    expect(readInfo({}).fallbackPool).toBeNull();
  });

  test("tells the pool that is to be worked for first: the only one, or the chosen one of v2.15's table", () => {
    expect(read("v2.1.8").firstPool).toEqual({ address: "pool.example:3333", user: "owner.lv06" });
    expect(read("v2.15").firstPool).toEqual({ address: "pool.example:3333", user: "owner.lv06" });
    const chosen = { ...PAYLOADS["v2.15"], primaryPoolIndex: 1, stratumURL: "pool.example", stratumPort: 3333 };
    expect(readInfo(chosen).firstPool?.address).toBe("second.example:4333");
    expect(readInfo({ ...PAYLOADS["v2.15"], primaryPoolIndex: 5 }).firstPool).toBeNull();
    expect(read("whitepaper").firstPool).toBeNull();
    expect(knownOf(read("v2.15"))).not.toHaveProperty("firstPool");
  });

  test("of a device whose chips are off has no temperature, not -1 and not 0", () => {
    const it = readInfo({ temp: -1, temp2: -1, vrTemp: 0 });
    expect([it.tempC, it.vrTempC]).toEqual([null, null]);
    expect(it.oddities).toEqual([
      { field: "temp", why: "no-reading" },
      { field: "temp2", why: "no-reading" },
      { field: "vrTemp", why: "no-reading" },
    ]);
  });

  test("keeps a 0 that can be true", () => {
    const it = readInfo({ hashRate: 0, fanrpm: 0, fanspeed: 0, sharesAccepted: 0, uptimeSeconds: 0 });
    expect([it.hashrateGhs, it.fanRpm, it.fanPercent, it.sharesAccepted, it.uptimeS]).toEqual([0, 0, 0, 0, 0]);
  });

  test("names values of the wrong kind and impossible ones, and knows nothing of them", () => {
    const it = readInfo({ temp: "60", power: [], hashRate: 1e8, voltage: 5.1, sharesAccepted: 1.5, wifiRSSI: 40 });
    expect([it.tempC, it.powerW, it.hashrateGhs, it.inputMv, it.sharesAccepted, it.rssiDbm]).toEqual(
      Array(6).fill(null),
    );
    expect(it.oddities.map(({ field, why }) => `${field} ${why}`).sort()).toEqual([
      "hashRate range",
      "power type",
      "sharesAccepted range",
      "temp type",
      "voltage range",
      "wifiRSSI range",
    ]);
    expect(it.oddityCount).toBe(6);
  });

  test("shows a chip that is hotter than any sensor should report, so that the alarm is raised", () => {
    expect(readInfo({ temp: 127.875 }).tempC).toBe(127.875);
  });

  test("keeps the answer without its passwords and certificates", () => {
    const { raw } = read("v2.1.8");
    expect(raw).toContain('"stratumURL":"pool.example"');
    expect(raw).not.toContain("secret");
    expect(read("Lucky").raw).not.toContain("secret");
    expect(read("v2.15").raw).not.toContain("*****");
  });

  test("does not keep an answer that is too long, and cuts long texts and lists", () => {
    const it = readInfo({
      version: `v\u0000\u001b[31m${"x".repeat(100_000)}`,
      sharesRejectedReasons: Array.from({ length: 1_000 }, () => ({ message: "no", count: 1 })),
    });
    expect(it.raw).toBeNull();
    expect(it.firmware).toHaveLength(96);
    expect(it.firmware).not.toMatch(/\p{Cc}/u);
    expect(it.rejectReasons).toHaveLength(16);
  });

  test("is of an object only", () => {
    for (const text of ["", "[]", "null", "7", '{"temp":', "<html>"]) {
      expect(() => parseInfo(text)).toThrow(expect.objectContaining({ code: "AXEOS_REPLY" }));
    }
  });

  test("takes nothing from the prototype", () => {
    expect(parseInfo('{"__proto__":{"temp":60}}').tempC).toBeNull();
    expect(readInfo(Object.create({ temp: 60 })).tempC).toBeNull();
  });

  test("goes into a health message as what is known, flat and cut", () => {
    const known = knownOf(read("v2.12"));
    expect(known).toMatchObject({ tempC: 58, powerW: 12.5, fanRpm: 4120, rejectReasons: "Job not found: 3" });
    expect(known).not.toHaveProperty("vrTempC");
    expect(known).not.toHaveProperty("raw");
    expect(knownOf(readingOf({}))).toEqual({});
    expect(knownOf(readingOf({ fallbackPool: false, fanRpm: 0, oddityCount: 2 }))).toEqual({
      fallbackPool: false,
      fanRpm: 0,
      oddityCount: 2,
    });
    expect(knownOf(readingOf({ fault: `${"x".repeat(63)}\u{1f525}` })).fault).toBe("x".repeat(63));
  });
});

describe("whatever a device answers", () => {
  const known = [...new Set(names.flatMap((name) => Object.keys(PAYLOADS[name])))];
  const values = fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.double(),
    fc.constantFrom(-1, 0, 1, 1e300, -1e300, Number.NaN, "60", "1e999", "NaN", "", null, [], {}, true),
  );
  const infos = fc.dictionary(fc.oneof(fc.constantFrom(...known), fc.string()), values, { maxKeys: 60 });

  test("reading it never throws and never gives a number that is none", () => {
    fc.assert(
      fc.property(fc.oneof(infos, fc.jsonValue()), (info) => {
        for (const value of Object.values(readInfo(info))) {
          if (typeof value === "number") expect(Number.isFinite(value) && value >= -127).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("nothing becomes a 0 because a field is missing or holds anything else than 0", () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.constantFrom(...known), values, (name, field, value) => {
        const whole = readInfo(PAYLOADS[name]);
        const { [field]: _, ...less } = PAYLOADS[name] as Record<string, unknown>;
        const newZeroes = (info: unknown) => zeroes(readInfo(info)).filter((key) => !zeroes(whole).includes(key));
        expect(newZeroes(less)).toEqual([]);
        if (value !== 0) expect(newZeroes({ ...less, [field]: value })).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });
});

/** Names of what is known to be 0. */
function zeroes(it: MinerReading): string[] {
  return Object.entries(it).flatMap(([key, value]) => (value === 0 && key !== "oddityCount" ? [key] : []));
}
