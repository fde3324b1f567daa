import { describe, expect, test } from "vitest";
import { STRATUM_CASES } from "../cases/stratum.ts";
import { MODEL_MINERS, type ModelMiner, modelStratum } from "./model-stratum.ts";
import { runOn } from "./testing/run-on.ts";

/** What each miner does its own way; the rest is the same for all, and `make hil` runs everything on each. */
const OWN_WAY = /^stratum\/(?:open|share\/first-proves|job\/keepalive|line\/reconnect)/;

async function failures(miner: ModelMiner, ids: RegExp): Promise<{ readonly ran: number; readonly failed: string[] }> {
  const target = modelStratum({ miner });
  const cases = STRATUM_CASES.filter((one) => ids.test(one.id) && target.covers(one).runs);
  const failed: string[] = [];
  for (const one of cases) {
    const failure = await runOn(target, one);
    if (failure !== null) failed.push(`${one.id}: ${failure}`);
  }
  return { ran: cases.length, failed };
}

describe("a simulated miner", () => {
  test("near to a stock LV06 passes every case that applies to it", { timeout: 60_000 }, async () => {
    const { ran, failed } = await failures("stock", /./);
    expect(failed).toEqual([]);
    expect(ran).toBeGreaterThanOrEqual(50);
  });

  const others = (Object.keys(MODEL_MINERS) as ModelMiner[]).filter((miner) => miner !== "stock");
  test.each(others)(
    "of kind %s opens, works and comes back as the cases want it",
    { timeout: 60_000 },
    async (miner) => {
      const { ran, failed } = await failures(miner, OWN_WAY);
      expect(failed).toEqual([]);
      expect(ran).toBeGreaterThanOrEqual(12);
    },
  );

  test("says that it is simulated, and lacks what only hardware has", () => {
    const target = modelStratum({ miner: "stock" });
    expect(target.identity).toMatchObject({ simulated: true, firmware: expect.stringContaining("simulated") });
    const not = STRATUM_CASES.filter((one) => !target.covers(one).runs).map(({ id }) => id);
    expect(not).toEqual(["stratum/share/rate", "stratum/recorded/lv06-shares"]);
  });
});
