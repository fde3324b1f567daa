import { describe, expect, it } from "vitest";
import type { AttemptOf } from "../rig/attempt.ts";
import { modelStratum } from "../targets/model-stratum.ts";
import { runOn } from "../targets/testing/run-on.ts";
import { underFaults } from "./bench.ts";
import { STRATUM_FAULT_CASES } from "./cases-stratum.ts";

const named = (name: string) => {
  const one = STRATUM_FAULT_CASES.find(({ id }) => id.endsWith(`/${name}`));
  if (one === undefined) throw new Error(`no case ${name}`);
  return one;
};

describe("a simulated miner on a line that fails", { timeout: 60_000 }, () => {
  it.each(STRATUM_FAULT_CASES.map(({ id }) => id.slice("stratum/faults/".length)))("is served: %s", async (name) => {
    expect(await runOn(modelStratum({ miner: "stock" }), named(name))).toBeNull();
  });

  it("fails a case under a plan that is not its own, which the notes tell", async () => {
    const target = modelStratum({ miner: "stock" });
    const one = named("glued");
    const of: AttemptOf<"stratum"> = { target, one, seed: 3, attempt: 1 };
    const opened = await target.open(one, 3);
    const under = underFaults("unplug@read times=1 afterBytes=600").wrap?.(opened, of) ?? opened;
    try {
      await expect(one.run(under.bench)).rejects.toThrow("it joined 2 times; under seed=");
      expect(under.notes?.()).toEqual(["under seed=3; unplug@read times=1 afterBytes=600"]);
    } finally {
      await under.close();
    }
  });
});
