import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { sampleReport } from "../report/testing/sample.ts";
import { parseXml } from "../report/testing/xml.ts";
import { ROOT } from "./action.ts";
import { showRun } from "./print.ts";
import { exitOf } from "./run.ts";
import { planTargets } from "./targets.ts";

const folder = mkdtempSync(join(tmpdir(), "hil-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without what the environment of the tests may want of the rig. */
function hil(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const clean = { ...process.env, HIL_TARGET: "", HIL_PORT: "", HIL_STRATUM: "", HIL_REQUIRE_REAL: "", ...env };
  return new Promise((resolve) => {
    execFile(join(ROOT, "hil/hil"), args, { env: clean, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

const named = (target?: string, env: NodeJS.ProcessEnv = {}) =>
  planTargets(target === undefined ? {} : { target }, env, { onWords: () => {} });

describe("the targets that a person means", () => {
  test("are all by default, and what is real may be absent", () => {
    const { plans, demands } = named();
    expect(new Set(plans.map(({ kind }) => kind))).toEqual(new Set(["model", "replay", "real"]));
    expect(demands).toEqual({ requireReal: false, requireHardware: false, optional: ["real"] });
  });

  test("are a kind, a name, the beginning of names, or several with commas", () => {
    const names = (target: string) => named(target).plans.map(({ name }) => name);
    expect(names("model-usb")).toEqual(["model-usb"]);
    expect(names("replay-usb, model-stratum")).toContain("model-stratum-stock");
    expect(named("replay").plans.every(({ kind }) => kind === "replay")).toBe(true);
  });

  test("come from the option before the environment", () => {
    expect(named("replay-usb", { HIL_TARGET: "model" }).plans.map(({ name }) => name)).toEqual(["replay-usb"]);
    expect(named(undefined, { HIL_TARGET: "model-usb" }).plans.map(({ name }) => name)).toEqual(["model-usb"]);
  });

  test("must have a real one among them when it was asked for", () => {
    for (const target of ["real", "all"]) expect(named(target).demands.requireReal).toBe(true);
    expect(named("model", { HIL_REQUIRE_REAL: "1" }).demands.requireHardware).toBe(true);
    expect(named("model", { HIL_REQUIRE_REAL: "0" }).demands.requireHardware).toBe(false);
  });

  test("are refused by name where there is none such", () => {
    expect(() => named("modle")).toThrow(/no target "modle"/);
  });
});

describe("the terminal", () => {
  const report = sampleReport();
  const text = showRun(report).join("\n");

  test("shows each failure with its title, paragraph, seed, commit and a line that runs it again", () => {
    expect(text).toContain("FAILED  usb/health/units on real-usb");
    expect(text).toContain("Health is in the units that it names (SPEC 5.5, SHOULD)");
    expect(text).toContain(
      "seed 5, commit 0123456789ab; again: ./hil/hil run --target real-usb --case usb/health/units",
    );
  });

  test("shows who is absent and what to do", () => {
    expect(text).toContain("real-stratum: absent. no miner connected");
  });

  test("a failed case exits with 1, an absent device with 5, both with 1", () => {
    const good = { ...report, results: report.results.filter(({ verdict }) => verdict === "passed") };
    const absent = [
      { code: "RIG_NO_REAL", message: "" },
      { code: "RIG_NO_CASES", message: "" },
    ];
    expect(exitOf(good)).toBe(0);
    expect(exitOf(report)).toBe(1);
    expect(exitOf({ ...good, problems: absent })).toBe(5);
    expect(exitOf({ ...report, problems: absent })).toBe(1);
    expect(exitOf({ ...good, problems: absent.slice(1) })).toBe(1);
  });
});

describe("hil", () => {
  test("runs a case on the model device and leaves reports that can be read", async () => {
    const at = join(folder, "run");
    const { code, stdout } = await hil([
      "run",
      "--target",
      "model-usb",
      "--case",
      "usb/ping",
      "--report",
      at,
      "--json",
    ]);
    const answer = JSON.parse(stdout) as { passed: boolean; results: { verdict: string }[] };
    expect({ code, passed: answer.passed }).toEqual({ code: 0, passed: true });
    expect(answer.results.length).toBeGreaterThan(0);
    expect(parseXml(readFileSync(join(at, "junit.xml"), "utf8")).name).toBe("testsuites");
    expect(readFileSync(join(at, "report.html"), "utf8")).toContain("usb/ping/");
  });

  test("fails with 5 when a real device must be there and is not", async () => {
    const port = join(folder, "no-such-port");
    const { code, stdout } = await hil(["run", "--target", "real-usb", "--report", join(folder, "none")], {
      HIL_PORT: port,
    });
    expect(code).toBe(5);
    expect(stdout).toContain("RIG_NO_REAL");
  });

  test("refuses what cannot be meant, with 2", async () => {
    const wrong = [
      ["run", "--seed", "x"],
      ["run", "--case", "usb/nothing"],
      ["soak", "--minutes", "0"],
      ["no-such"],
      ["run", "--faults", "flp@read"],
      ["run", "--target", "replay", "--faults", "flip@read"],
    ];
    for (const args of wrong) expect([args[0], (await hil(args)).code]).toEqual([args[0], 2]);
  });

  test("records a case, finds it true, plays it back, and tells a recording that was changed", async () => {
    const to = join(folder, "recordings");
    const file = join(to, "usb/usb-hash-boundaries.ndjson");
    const chosen = ["--case", "usb/hash/boundaries", "--to", to];
    expect((await hil(["record", "--target", "model-usb", ...chosen])).code).toBe(0);
    expect((await hil(["verify", file])).stdout).toContain("true, simulated");
    const { code, stdout } = await hil(["record", "--mode", "playback", ...chosen, "--json"]);
    const { results } = JSON.parse(stdout) as { results: { target: string; verdict: string }[] };
    expect(results.find(({ target }) => target === "replay-usb")?.verdict).toBe("passed");
    // Of Stratum this folder holds nothing.
    expect(code).not.toBe(0);
    const edited = join(folder, "edited.ndjson");
    writeFileSync(edited, readFileSync(file, "utf8").replace(/OK [0-9a-f]{8}/, "OK 00000000"));
    const verdict = await hil(["verify", edited]);
    expect([verdict.code, verdict.stdout.includes("RECORDING_EDITED")]).toEqual([1, true]);
  });
});
