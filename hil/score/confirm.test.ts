/** A find counts only where it is the defect's. */
import { describe, expect, it } from "vitest";
import { tryConfirmed } from "./confirm.ts";
import type { TimedTrial } from "./run-trial.ts";
import type { Finder, TrialOptions } from "./trial.ts";

const ASKED = { tier: "model-usb", hint: [], seed: 1, scenarios: 100, hintOnly: false } as const;
const found = (by: string, target = "model-usb"): Finder => ({ target, by, message: "it failed" });

/** Cases fail with the defect, and some without; a trial names the first that it may. */
async function confirmed(withIt: readonly Finder[], without: readonly string[], flaky: readonly string[] = []) {
  const asked: string[] = [];
  const run = async (root: string, { past, again }: TrialOptions): Promise<TimedTrial> => {
    asked.push(again === null ? root : `${root} ${again.by}`);
    const first = withIt.find(({ by }) => !past.includes(by)) ?? null;
    const fails = root === "copy" ? first : again !== null && without.includes(again.by) ? again : null;
    const shaky = root === "base" && again !== null && flaky.includes(again.by) ? [again.by] : [];
    return { found: fails, ran: again?.by === "usb/never" ? 0 : 1, flaky: shaky, ms: 1 };
  };
  return { trial: await tryConfirmed("copy", "base", ASKED, new AbortController().signal, run), asked };
}

describe("a find", () => {
  it("holds where the same case passes without the defect", async () => {
    const { trial, asked } = await confirmed([found("usb/a")], []);
    expect([trial.found?.by, trial.doubted]).toEqual(["usb/a", []]);
    expect(asked).toEqual(["copy", "base usb/a"]);
  });

  it("is passed over where the case fails without the defect as well, once in two times even", async () => {
    const { trial } = await confirmed([found("usb/a"), found("usb/b"), found("usb/c")], ["usb/a"], ["usb/b"]);
    expect([trial.found?.by, trial.doubted]).toEqual(["usb/c", ["usb/a", "usb/b"]]);
  });

  it("is passed over where the case does not run without the defect", async () => {
    const { trial } = await confirmed([found("usb/never"), found("usb/b")], []);
    expect([trial.found?.by, trial.doubted]).toEqual(["usb/b", ["usb/never"]]);
  });

  it("is none where nothing else finds the defect", async () => {
    const { trial } = await confirmed([found("usb/a")], ["usb/a"]);
    expect([trial.found, trial.doubted]).toEqual([null, ["usb/a"]]);
  });

  it("is none where the target does not even open without the defect, or its seeds fail", async () => {
    for (const one of [found("opening"), found("seed 7", "virtual")]) {
      const { trial, asked } = await confirmed([one, found("usb/b")], [one.by]);
      expect([trial.found, trial.doubted, asked.length]).toEqual([null, [one.by], 2]);
    }
  });
});
