import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { missingWasmTools } from "../../host/device/testing/firmware.ts";
import { sampleReport } from "../report/testing/sample.ts";
import { virtualPart } from "../report/virtual.ts";
import type { RunReport } from "../rig/report.ts";
import { EMPTY_TALLY } from "../virtual/tally.ts";
import type { TierReport } from "../virtual/tier.ts";
import { ROOT } from "./action.ts";
import { showRun } from "./print.ts";
import { andVirtual, problemsOf, tallyOf, type VirtualOptions } from "./virtual.ts";

const RAN: RunReport = { ...sampleReport(), problems: [] };
const NO_CLANG = async () => "There is no clang to build the C core: sudo apt-get install clang";

function options(more: Partial<VirtualOptions> = {}): VirtualOptions {
  const scenarios = { usb: 20, stratum: 2 };
  return { seed: 5, scenarios, strict: false, onProgress: () => {}, signal: new AbortController().signal, ...more };
}

const tier = (more: Partial<TierReport>): TierReport => ({
  ...EMPTY_TALLY,
  ...{ simulated: true, transport: "usb", from: 7, asked: 2000, workers: 2, seconds: 3, failures: [] },
  ...{ scenariosAMinute: 0, cpuMsAScenario: 0 },
  ...more,
});

describe("without a compiler", () => {
  test("the serial line's tier is left out by name, with the line that helps, and Stratum's is played", async () => {
    const report = await andVirtual(RAN, options(), NO_CLANG);
    expect(report.problems).toEqual([]);
    expect(report.virtual?.map(({ transport, scenarios }) => [transport, scenarios])).toEqual([["stratum", 2]]);
    const line = "virtual time: left out. There is no clang to build the C core: sudo apt-get install clang";
    expect(showRun(report)).toContain(line);
    expect(virtualPart(report)?.text).toContain("Left out: There is no clang");
  });

  test("it fails where everything must be there", async () => {
    const report = await andVirtual(RAN, options({ strict: true, scenarios: { usb: 20, stratum: 0 } }), NO_CLANG);
    expect(report.problems.map(({ code }) => code)).toEqual(["RIG_STRICT"]);
  });
});

describe("a tier", () => {
  test("of which nothing was played fails", () => {
    expect(problemsOf(tier({}))).toEqual([
      { code: "RIG_VIRTUAL", message: "virtual time, usb: none of 2000 scenarios was played in its time" },
    ]);
    expect(problemsOf(tier({ scenarios: 1 }))).toEqual([]);
  });

  test("that ended early says how many were asked for", () => {
    const virtual = [tallyOf(tier({ scenarios: 1834 }))];
    expect(showRun({ ...RAN, virtual }).join("\n")).toContain("1834 of 1834 fault scenarios held (of 2000 asked for)");
  });

  test("that failed shows its seed, what broke, and a line that can be typed", () => {
    const failures = [{ seed: 54, findings: ["a request settled twice"], rerun: "./hil/hil virtual --seed 54" }];
    const failed = tier({ scenarios: 2000, failures });
    expect(problemsOf(failed)[0]?.message).toContain(
      "1 of 2000 scenarios failed, seed 54 first: a request settled twice",
    );
    const page = virtualPart({ ...RAN, virtual: [tallyOf(failed)] })?.text;
    expect(page).toContain('<b class="failed">seed 54</b>: a request settled twice');
    expect(showRun({ ...RAN, virtual: [tallyOf(failed)] })).toEqual(
      expect.arrayContaining(["  seed 54: a request settled twice", "  again: ./hil/hil virtual --seed 54"]),
    );
  });

  test("that is told to stop ends at once, and the run is no success", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    const report = await andVirtual(RAN, options({ scenarios: { usb: 0, stratum: 100_000 }, signal: stop.signal }));
    expect(report.problems.map(({ code }) => code)).toEqual(["RIG_INTERRUPTED"]);
  });
});

describe("hil virtual", () => {
  const virtual = (...args: string[]) =>
    new Promise<{ code: number; stdout: string }>((resolve) => {
      execFile(join(ROOT, "hil/hil"), ["virtual", ...args], { timeout: 60_000 }, (error, stdout) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout });
      });
    });

  test("plays one seed of the pool, or many", async () => {
    const one = await virtual("--stratum", "--seed", "3");
    expect([one.code, one.stdout]).toEqual([0, expect.stringMatching(/seed 3, simulated\nfaults: seed=3; .*It held/s)]);
    const many = await virtual("--stratum", "--from", "3", "--count", "4", "--workers", "1", "--json");
    expect(JSON.parse(many.stdout)).toMatchObject({ scenarios: 4, asked: 4, failures: [], passed: true });
  });

  test.skipIf(missingWasmTools.length > 0)("plays one seed of the serial line, with parts left out", async () => {
    const { code, stdout } = await virtual("--seed", "54", "--without-steps", "0", "--without-faults", "0", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ seed: 54, simulated: true, findings: [] });
  });

  test("refuses what cannot be meant", async () => {
    expect((await virtual("--without-steps", "1")).code).toBe(2);
    expect((await virtual("--count", "0")).code).toBe(2);
  });
});
