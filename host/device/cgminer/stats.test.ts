import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseReply } from "./reply.ts";
import { readAntminer } from "./stats.ts";
import { ABOUT, BROKEN_STATS, FIGURES, POOLS, SUMMARY } from "./testing/answers.ts";

const WHOLE = { stats: parseReply(BROKEN_STATS, "STATS"), summary: SUMMARY.SUMMARY, pools: POOLS.POOLS };
const read = (changes: Readonly<Record<string, unknown>>) =>
  readAntminer({ ...WHOLE, stats: [ABOUT, { ...FIGURES, ...changes }] });

describe("the reading of an S9 (constructed)", () => {
  test("has rates, temperatures, fans, shares and pool in units", () => {
    expect(readAntminer(WHOLE)).toMatchObject({
      tempC: 91,
      boardTempC: 61,
      fanRpm: 4_920,
      frequencyMhz: 631,
      hashrateGhs: 13_463.21,
      hashrateLongGhs: 13_512.4,
      expectedGhs: 13_500.42,
      errorPercent: 0.0021,
      chipsMissing: 0,
      uptimeS: 42_713,
      sharesAccepted: 9_812,
      sharesRejected: 14,
      bestDifficulty: 118_227_401,
      fallbackPool: false,
      poolDifficulty: 8_190,
      asicModel: "BM1387",
      model: "Antminer S9",
      firmware: "30.0.1.3",
      powerW: null,
      inputMv: null,
      vrTempC: null,
      freeHeapB: null,
      oddityCount: 0,
    });
  });

  test("finds its boards in whichever slots they are", () => {
    expect(readAntminer(WHOLE).chains.map(({ slot, chips, rateGhs }) => [slot, chips, rateGhs])).toEqual([
      [6, 63, 4487.11],
      [7, 63, 4501.9],
      [8, 63, 4474.2],
    ]);
    const moved = read({ chain_acn6: 0, chain_acn1: 63, chain_rate1: "4400.5", temp2_1: 93 });
    expect(moved.chains.map(({ slot }) => slot)).toEqual([1, 7, 8]);
    expect(moved.tempC).toBe(93);
  });

  test("counts the chips that are missing, of a board or of all of it", () => {
    expect(read({ chain_acn7: 60 }).chipsMissing).toBe(3);
    expect(read({ chain_acn7: 0 }).chipsMissing).toBe(63);
    expect(readAntminer({ ...WHOLE, stats: [{ Type: "Antminer L3+" }, FIGURES] }).chipsMissing).toBeNull();
  });

  test("tells a fan that stands still from an empty slot", () => {
    expect(read({ fan6: 0 }).fanRpm).toBe(0);
    expect(read({ fan6: 0, fan_num: 1 }).fanRpm).toBe(5_880);
    expect(readAntminer({ ...WHOLE, stats: [ABOUT, { Elapsed: 1 }] }).fanRpm).toBeNull();
  });

  test("knows that it works for another than its first pool", () => {
    const [first, second] = POOLS.POOLS;
    const pools = [
      { ...first, "Stratum Active": false },
      { ...second, "Stratum Active": true },
    ];
    expect(readAntminer({ ...WHOLE, pools }).fallbackPool).toBe(true);
    expect(readAntminer({ ...WHOLE, pools: [] }).fallbackPool).toBeNull();
  });

  test("tells its first pool, whichever it works for and in whatever order they stand", () => {
    const [first, second] = POOLS.POOLS;
    const pools = [
      { ...second, "Stratum Active": true },
      { ...first, User: "s9", "Stratum Active": false },
    ];
    expect(readAntminer({ ...WHOLE, pools }).firstPool).toEqual({ address: "stratum+tcp://10.0.0.2:3333", user: "s9" });
    expect(readAntminer({ ...WHOLE, pools: [{ User: "s9" }] }).firstPool).toBeNull();
    expect(readAntminer({ ...WHOLE, pools: [] }).firstPool).toBeNull();
  });

  test("without summary and pools leaves unknown what only they have", () => {
    const it = readAntminer({ ...WHOLE, summary: [], pools: [] });
    expect([it.sharesAccepted, it.sharesRejected, it.poolDifficulty]).toEqual([null, null, null]);
    expect(it.hashrateGhs).toBe(13_463.21);
  });

  test("names impossible values and knows nothing of them", () => {
    const it = read({ "GHS 5s": "fast", "GHS av": -1, frequency: "", temp2_6: 999, Elapsed: "soon" });
    expect([it.hashrateGhs, it.hashrateLongGhs, it.frequencyMhz, it.uptimeS]).toEqual([
      13_463.21,
      13_512.4,
      null,
      42_713,
    ]);
    expect(it.tempC).toBe(89);
    expect(it.oddities.map(({ field }) => field)).toEqual(
      expect.arrayContaining(["GHS 5s", "GHS av", "frequency", "temp2_6"]),
    );
  });

  test("never throws and invents no 0, whatever the miner says", () => {
    const rows = fc.array(
      fc.dictionary(
        fc.constantFrom(...Object.keys(FIGURES), "Type", "Priority", "Stratum Active", "x"),
        fc.jsonValue(),
      ),
    );
    fc.assert(
      fc.property(rows, rows, rows, (stats, summary, pools) => {
        const it = readAntminer({ stats, summary, pools });
        const reported = [...stats, ...summary]
          .flatMap((row) => Object.values(row))
          .some((value) => (typeof value === "number" || typeof value === "string") && Number(value) === 0);
        if (!reported) expect([it.hashrateGhs, it.fanRpm, it.tempC, it.sharesAccepted, it.uptimeS]).not.toContain(0);
      }),
      { numRuns: 200 },
    );
  });
});
