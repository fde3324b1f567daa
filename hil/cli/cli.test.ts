import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildModel, modelProgram } from "../../host/device/testing/firmware.ts";
import { type ModelProcess, startModel } from "../../host/device/usb/model-process.ts";
import { USB_CASES } from "../cases/usb.ts";
import { RECORDINGS_FOLDER, readRecording, recordingPath } from "../recording/files.ts";
import { tryOn } from "../recording/testing/try-on.ts";
import { sampleReport } from "../report/testing/sample.ts";
import { parseXml } from "../report/testing/xml.ts";
import { ROOT } from "./action.ts";
import { showRun } from "./print.ts";
import { exitOf } from "./run.ts";
import { planTargets, spoilt, type TargetChoice } from "./targets.ts";

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

const away = (code: string, name = "real-usb") =>
  ({ name, code, kind: "real", transport: name === "real-usb" ? "usb" : "stratum", message: "" }) as const;

const named = (target?: string, env: NodeJS.ProcessEnv = {}) =>
  planTargets(target === undefined ? {} : { target }, env, { onWords: () => {} });

describe("the targets that a person means", () => {
  test("are all by default, and what is real may be absent", () => {
    const { plans, demands } = named();
    expect(new Set(plans.map(({ kind }) => kind))).toEqual(new Set(["model", "replay", "real"]));
    expect(demands).toMatchObject({ requireReal: false, requireHardware: false, requireRecorded: true });
    expect(demands.optional?.(away("DEVICE_NO_HELLO"))).toBe(true);
    expect(demands.optional?.({ ...away("RIG_CANNOT"), kind: "model" })).toBe(false);
  });

  test("must be there when their port or address was named, whatever else was", () => {
    const port = named(undefined, { HIL_PORT: "/nope" });
    expect(port.demands.optional?.(away("DEVICE_ABSENT"))).toBe(false);
    const { plans, demands } = named(undefined, { HIL_STRATUM: "127.0.0.1:0" });
    expect(demands.optional?.(away("RIG_NO_REAL", "real-stratum"))).toBe(false);
    expect(demands.optional?.(away("DEVICE_ABSENT"))).toBe(true);
    expect(plans.find(({ name }) => name === "real-stratum")?.openMs).toBeGreaterThan(120_000);
  });

  test("include no miner where no address is given for it to come to", () => {
    for (const target of [undefined, "real", "all"])
      expect(named(target).plans.map(({ name }) => name)).not.toContain("real-stratum");
    expect(named("real-stratum").plans.map(({ name }) => name)).toEqual(["real-stratum"]);
  });

  test("are not forgiven a hardware map that is wrong", () => {
    for (const code of ["RIG_MAP_FORM", "RIG_MAP_EQUAL"]) expect(named().demands.optional?.(away(code))).toBe(false);
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

  test("are played back at the pace that is wanted, and so does the line that runs a case again", () => {
    const at = (choice: TargetChoice) => planTargets(choice, {}, { onWords: () => {} }).plans;
    const options = (choice: TargetChoice) => at(choice).map((plan) => plan.options ?? "");
    expect(options({ target: "replay", pace: "recorded" })).toEqual([
      "--pace recorded",
      "--pace recorded",
      "--pace recorded",
    ]);
    expect(options({ target: "replay-usb", pace: "115200", recordings: "/a b" })).toEqual([
      "--recordings '/a b' --pace 115200",
    ]);
    expect(options({ target: "real-usb", port: "/dev/tty $1" })).toEqual(["--port '/dev/tty $1'"]);
    expect(spoilt(at({ target: "model-usb" }), "flip@both p=0.1; split@read times=1")[0]?.options).toBe(
      "--faults 'flip@both p=0.1; split@read times=1'",
    );
    for (const choice of [
      { target: "replay", pace: "fast" },
      { target: "model", pace: "max" },
    ])
      expect(() => at(choice)).toThrow(/--pace/);
  });

  test("take as long as they took where that is wanted", async () => {
    const [plan] = planTargets({ target: "replay-usb", pace: "recorded" }, {}, { onWords: () => {} }).plans;
    const [target, one] = [await plan?.open(), USB_CASES.find(({ id }) => id === "usb/host/lost-answer")];
    if (target?.transport !== "usb" || one === undefined) throw new Error("there is no such target or case");
    const { end } = readRecording(recordingPath(RECORDINGS_FOLDER, "usb", one.id));
    const startMs = performance.now();
    expect(await tryOn(target, one)).toMatchObject({ verdict: "passed" });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(end.durationUs / 1000 - 1);
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

  test("tells of each failure the seed that it failed with", () => {
    const soaked = { ...report, results: report.results.map((result) => ({ ...result, seed: 8 })) };
    expect(showRun(soaked).join("\n")).toContain("seed 8, commit 0123456789ab; again:");
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
    const cut = away("DEVICE_CLOSED");
    expect(exitOf({ ...good, problems: [cut], absent: [cut] })).toBe(5);
    expect(exitOf({ ...good, problems: [cut], absent: [] })).toBe(1);
    expect(exitOf({ ...good, problems: [away("RIG_MAP_FORM")] })).toBe(2);
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

  test("names cases without running them", async () => {
    const { code, stdout } = await hil(["run", "--list", "--case", "usb/ping", "--json"]);
    const { cases } = JSON.parse(stdout) as { cases: { id: string }[] };
    expect([code, cases.every(({ id }) => id.startsWith("usb/ping/"))]).toEqual([0, true]);
  });

  test("fails with 5 when a real device must be there and is not", async () => {
    const env = { HIL_PORT: join(folder, "no-such-port") };
    const one = ["--case", "usb/ping", "--report", join(folder, "none")];
    for (const target of ["real-usb", "model-usb,real-usb"]) {
      const { code, stdout } = await hil(["run", "--target", target, ...one], env);
      expect([code, stdout.includes("DEVICE_ABSENT")]).toEqual([5, true]);
    }
  });

  test("refuses what cannot be meant, with 2", async () => {
    const wrong = [
      ["run", "--seed", "x"],
      ["run", "--case", "usb/nothing"],
      ["soak", "--minutes", "0"],
      ["no-such"],
      ["run", "--faults", "flp@read"],
      ["run", "--target", "replay", "--faults", "flip@read"],
      ["run", "--target", "replay", "--pace", "fast"],
      ["record", "--target", "model-usb", "--pace", "recorded"],
    ];
    for (const args of wrong) expect([args[0], (await hil(args)).code]).toEqual([args[0], 2]);
  });

  test("records a case, finds it true, plays it back, and tells a recording that was changed", async () => {
    const to = join(folder, "recordings");
    const file = join(to, "usb/usb-hash-boundaries.ndjson");
    const chosen = ["--case", "usb/hash/boundaries", "--to", to];
    expect((await hil(["record", "--target", "model-usb", ...chosen])).code).toBe(0);
    expect((await hil(["verify", file])).stdout).toContain("true, simulated");
    expect((await hil(["verify", to])).stdout).toContain("1 recordings, 0 not to be trusted");
    const { code, stdout } = await hil(["record", "--mode", "playback", ...chosen, "--json"]);
    const { results } = JSON.parse(stdout) as { results: { target: string; verdict: string }[] };
    // Of Stratum this folder holds nothing.
    expect([code, ...results.map(({ target, verdict }) => `${target} ${verdict}`)]).toEqual([0, "replay-usb passed"]);
    const nothing = await hil(["record", "--mode", "playback", "--to", join(folder, "nothing")]);
    expect([nothing.code, nothing.stderr.includes("RECORDING_MISSING")]).toEqual([1, true]);
    const paced = await hil(["record", "--mode", "playback", ...chosen, "--pace", "921600", "--json"]);
    const again = (JSON.parse(paced.stdout) as { results: { target: string; verdict: string; rerun: string }[] })
      .results;
    const usb = again.find(({ target }) => target === "replay-usb");
    expect([usb?.verdict, usb?.rerun.endsWith(`--recordings ${to} --pace 921600`)]).toEqual(["passed", true]);
    const edited = join(folder, "edited.ndjson");
    writeFileSync(edited, readFileSync(file, "utf8").replace(/OK [0-9a-f]{8}/, "OK 00000000"));
    const verdict = await hil(["verify", edited]);
    expect([verdict.code, verdict.stdout.includes("RECORDING_EDITED")]).toEqual([1, true]);
  });

  test("does not call true what there is nothing to compute of", async () => {
    const [ping, hash] = ["ping-answered", "hash-boundaries"].map((name) =>
      join(RECORDINGS_FOLDER, `usb/usb-${name}.ndjson`),
    );
    const alone = await hil(["verify", ping ?? ""]);
    expect([alone.code, alone.stdout.includes("nothing to verify")]).toEqual([1, true]);
    expect(alone.stdout).not.toContain("true");
    expect((await hil(["verify", ping ?? "", hash ?? ""])).code).toBe(0);
  });
});

describe("recordings of a real device", () => {
  let model: ModelProcess;
  const to = join(folder, "of-real");
  beforeAll(async () => {
    await buildModel();
    model = await startModel({ program: modelProgram, seed: 77 });
  });
  afterAll(() => model.stop());

  test("do not take a model's for their own, and do not overwrite them", async () => {
    const chosen = ["--case", "usb/ping/answered", "--to", to];
    expect((await hil(["record", "--target", "model-usb", ...chosen])).code).toBe(0);
    const before = readFileSync(join(to, "usb/usb-ping-answered.ndjson"), "utf8");
    for (const mode of ["record", "update"]) {
      const { code, stderr } = await hil([
        "record",
        "--target",
        "real",
        "--port",
        model.path,
        "--mode",
        mode,
        ...chosen,
      ]);
      expect([code, stderr.includes("RECORDING_EXISTS")]).toEqual([1, true]);
    }
    expect(readFileSync(join(to, "usb/usb-ping-answered.ndjson"), "utf8")).toBe(before);
  });

  test("are made anew of the cases that apply to it, beside the others", async () => {
    const cases = ["usb/boot/crash-mid-batch", "usb/boot/notice", "usb/ping/answered"];
    expect((await hil(["record", "--target", "model-usb", "--to", to, "--case", ...cases])).code).toBe(0);
    const again = ["refresh", "--target", "real", "--port", model.path, "--to", to, "--case", ...cases];
    const { code, stdout } = await hil(again);
    expect([code, stdout]).toEqual([0, expect.stringContaining("usb/boot/crash-mid-batch does not apply on real-usb")]);
    expect(stdout).toContain("usb/ping/answered →");
  });

  test("are of no device that is away", async () => {
    const { code, stderr } = await hil(["record", "--target", "real", "--port", join(folder, "no-port"), "--to", to]);
    expect([code, stderr.includes("DEVICE_ABSENT")]).toEqual([5, true]);
  });
});
