/** What a trial runs, and what it runs when it is to look at one thing again. */
import { describe, expect, it } from "vitest";
import { missingWasmTools } from "../../host/device/testing/firmware.ts";
import { runTrial, type TrialOptions } from "./trial.ts";

const MOST_MS = 60_000;
const RECORDING = "usb/usb-hash-one-by-one.ndjson";
const CASE = "usb/hash/one-by-one";

async function trial(options: Partial<TrialOptions> & Pick<TrialOptions, "tier">) {
  const tried: string[] = [];
  const all = { hint: [CASE], seed: 1, scenarios: 100, hintOnly: true, past: [], again: null, ...options };
  return { ...(await runTrial(all, (_, by) => tried.push(by))), tried };
}

describe("a trial", { timeout: MOST_MS }, () => {
  it("looks at one recording or case again, and at nothing else", async () => {
    const again = (target: string, by: string) => ({ again: { target, by, message: "" } });
    const verified = await trial({ tier: "verify", ...again("verify", RECORDING) });
    expect([verified.found, verified.ran, verified.tried]).toEqual([null, 1, [RECORDING]]);
    const replayed = await trial({ tier: "replay-usb", hint: ["usb/ping/answered"], ...again("replay-usb", CASE) });
    expect([replayed.found, replayed.ran, replayed.tried]).toEqual([null, 1, [CASE]]);
  });

  it("leaves out what was found to fail by itself", async () => {
    const past = [RECORDING, CASE];
    expect((await trial({ tier: "verify", past })).tried).not.toContain(RECORDING);
    expect((await trial({ tier: "replay-usb", past })).tried).toEqual([]);
  });

  it.skipIf(missingWasmTools.length > 0)("plays the same seeds again", async () => {
    const finder = { target: "virtual", by: "seeds 7 to 9", message: "", seeds: { from: 7, count: 3 } };
    const { found, ran, tried } = await trial({ tier: "virtual", again: finder });
    expect([found, ran, tried]).toEqual([null, 3, ["seeds 7 to 9"]]);
  });
});
