/** The Stratum bridge under virtual time: scenarios hold, and what they are held to can break. */
import { describe, expect, it } from "vitest";
import { runStratumScenario, type StratumPlant } from "./stratum.ts";

const SCENARIOS = 120;

describe("the bridge under virtual time", () => {
  it(`${SCENARIOS} scenarios hold, forged and damaged shares among them`, async () => {
    const sum = { shares: 0, refused: 0, proofs: 0, connections: 0, forged: 0 };
    for (let seed = 1; seed <= SCENARIOS; seed++) {
      const { findings, fired, ...report } = await runStratumScenario(seed);
      expect(findings, `seed ${seed}`).toEqual([]);
      for (const key of ["shares", "refused", "proofs", "connections"] as const) sum[key] += report[key];
      sum.forged += fired.forge ?? 0;
    }
    expect(sum.shares).toBeGreaterThan(SCENARIOS * 40);
    expect(sum.proofs).toBeGreaterThan(SCENARIOS);
    // What damage made of shares came, and was refused; lines were cut, and taken up again.
    expect(sum.refused).toBeGreaterThan(SCENARIOS / 2);
    expect(sum.forged).toBeGreaterThan(10);
    expect(sum.connections).toBeGreaterThan(2 * SCENARIOS);
  });

  it("one seed is one course of events", async () => {
    const { trace } = await runStratumScenario(5);
    expect((await runStratumScenario(5)).trace).toBe(trace);
    expect((await runStratumScenario(6)).trace).not.toBe(trace);
  });

  const plants: readonly (readonly [string, StratumPlant, string])[] = [
    [
      "a share without its work",
      { share: (share) => ({ ...share, verdict: { ...share.verdict, header: Buffer.alloc(80, 7) } }) },
      "a share without its work was accepted",
    ],
    ["a share counted twice", { share: once((share) => share) }, "a share was counted twice"],
    [
      "a share for another batch",
      {
        share: (share) => ({
          ...share,
          verdict: { ...share.verdict, proof: { ...share.verdict.proof, coinbase: new Uint8Array(80) } },
        }),
      },
      "a share for something else was accepted",
    ],
    [
      "a false proof",
      { proof: (found) => ({ ...found, proof: { ...found.proof, header: Buffer.alloc(80, 9) } }) },
      "a proof without its work was given",
    ],
    [
      "a proof of something else",
      { proof: (found) => ({ ...found, commitment: Buffer.alloc(32, 1) }) },
      "a proof of something else",
    ],
    [
      "honest miners turned away",
      { options: () => ({ admit: () => ({ kind: "refused" }) }) },
      "a miner on a sound line was cut off",
    ],
    [
      "a timer for ever",
      {
        options: (clock) => {
          clock.after(1e9, () => {});
          return {};
        },
      },
      "timers are left behind",
    ],
  ];

  it.each(plants)("a planted defect is found: %s", async (_, plant, finding) => {
    expect((await runStratumScenario(3, plant)).findings.join("; ")).toContain(finding);
  });
});

/** Gives the first thing for every later one. */
function once<T>(of: (thing: T) => T): (thing: T) => T {
  let first: T | undefined;
  return (thing) => {
    first ??= of(thing);
    return first;
  };
}
