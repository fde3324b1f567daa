import { describe, expect, test } from "vitest";
import { FakeClock } from "../../host/device/testing/fake-clock.ts";
import { reportJson } from "../report/json.ts";
import { expectThat } from "./case.ts";
import { RigError } from "./error.ts";
import { redactedId } from "./hidden-id.ts";
import { type RunOptions, runCases } from "./runner.ts";
import { caseSeed } from "./seed.ts";
import { toyCase, toyTarget } from "./testing/toys.ts";
import { hasPassed } from "./verdict.ts";

const run = (options: Partial<RunOptions>) =>
  runCases({ cases: [toyCase("usb/a/b")], targets: [toyTarget()], seed: 7, environment: {}, ...options });

const never = () => new Promise<never>(() => {});

describe("a case", () => {
  test("that holds has passed, with one attempt and its latencies", async () => {
    const report = await run({ cases: [toyCase("usb/a/b", async (bench) => bench.measured("hash", 1.5))] });
    expect(report.results).toMatchObject([{ verdict: "passed", latencies: { hash: [1.5] }, target: "model-usb" }]);
    expect(report.results[0]?.attempts).toHaveLength(1);
    expect(hasPassed(report)).toBe(true);
  });

  test("that fails twice has failed, with both attempts, the last chunks and a line that runs it again", async () => {
    const last = Array.from({ length: 130 }, (_, atUs) => ({
      atUs,
      direction: "read" as const,
      bytes: Uint8Array.of(1),
    }));
    const failing = toyCase("usb/a/b", async () => expectThat(false, "the digest is another one"));
    const report = await run({ cases: [failing], targets: [toyTarget({ last })] });
    const [result] = report.results;
    expect(result).toMatchObject({
      verdict: "failed",
      rerun: "./hil/hil run --target model-usb --case usb/a/b --seed 7",
    });
    expect(result?.attempts).toHaveLength(2);
    expect(result?.attempts[0]).toMatchObject({ code: null, message: "the digest is another one" });
    expect(result?.attempts[1]?.last.map(({ atUs }) => atUs)).toEqual(last.slice(-100).map(({ atUs }) => atUs));
    expect(hasPassed(report)).toBe(false);
  });

  test("that fails once is flaky, on a fresh bench and with the same seed", async () => {
    let times = 0;
    const target = toyTarget();
    const report = await run({
      cases: [toyCase("usb/a/b", async () => expectThat(times++ > 0, "not yet"))],
      targets: [target],
    });
    expect(report.results[0]?.verdict).toBe("flaky");
    const opened = `open usb/a/b ${caseSeed(7, "usb/a/b")}`;
    expect(target.log).toEqual([opened, "close usb/a/b", opened, "close usb/a/b", "end"]);
    expect(hasPassed(report)).toBe(true);
  });

  test("on a real device is told without what tells which device it was", async () => {
    const id = "f412faaabbcc";
    const last = [{ atUs: 1, direction: "read" as const, bytes: Buffer.from(`device=${id}`) }];
    const toy = toyTarget({ kind: "real", simulated: false, last });
    const target = {
      ...toy,
      open: async () => {
        const opened = await toy.open();
        return { ...opened, identity: { ...opened.identity, id } };
      },
    };
    const failing = toyCase("usb/a/b", () => Promise.reject(new Error(`${id} does not answer, f4:12:fa:aa:bb:cc`)));
    const report = await run({ cases: [failing], targets: [target] });
    expect(report.results[0]?.attempts[0]?.message).toContain(`${redactedId(id)} does not answer`);
    expect(report.targets[0]?.identity.id).toBe(redactedId(id));
    expect(reportJson(report)).not.toMatch(/f4:?12:?fa/i);
    expect(reportJson(report)).not.toContain(Buffer.from(`device=${id}`).toString("base64"));
  });

  test("keeps the stable code of what was thrown", async () => {
    const failing = toyCase("usb/a/b", () => Promise.reject(new RigError("RIG_CANNOT", "no")));
    expect((await run({ cases: [failing] })).results[0]?.attempts[0]?.code).toBe("RIG_CANNOT");
  });

  test("that never ends fails at its deadline on the bench's clock", async () => {
    const clock = new FakeClock();
    const cases = [toyCase("usb/a/b", never, { deadlineMs: 60_000 })];
    const report = await clock.until(run({ cases, targets: [toyTarget({ clock })] }), 3 * 60_000);
    expect(report.results[0]).toMatchObject({ verdict: "failed", attempts: [{ code: "RIG_DEADLINE" }, {}] });
  });

  test("whose bench ends badly has failed, whatever the case says", async () => {
    const close = () => Promise.reject(new RigError("RIG_CANNOT", "2 recorded replies are left over"));
    const report = await run({ targets: [toyTarget({ close })] });
    expect(report.results[0]).toMatchObject({ verdict: "failed", attempts: [{ code: "RIG_CANNOT" }, {}] });
  });

  test("that does not apply is not run and says why", async () => {
    const covers = () => ({ runs: false, verdict: "not-applicable", reason: "no IMAGE" }) as const;
    const target = toyTarget({ covers });
    const report = await run({ targets: [target, toyTarget({ kind: "replay" })] });
    expect(report.results[0]).toMatchObject({ verdict: "not-applicable", reason: "no IMAGE", attempts: [] });
    expect(target.log).toEqual(["end"]);
  });
});

describe("a target", () => {
  test("that cannot be opened is absent, with its code", async () => {
    const absent = new RigError("RIG_LOCKED", "another run");
    const report = await run({ targets: [toyTarget(), toyTarget({ kind: "real", absent })] });
    expect(report.absent).toMatchObject([{ name: "real-usb", code: "RIG_LOCKED" }]);
    expect(hasPassed(report)).toBe(true);
  });

  test("that is absent fails the run unless it is optional", async () => {
    const absent = new RigError("RIG_CANNOT", "not built");
    const report = await run({ targets: [toyTarget({ absent }), toyTarget({ kind: "replay" })] });
    expect(report.problems.map(({ code }) => code)).toEqual(["RIG_CANNOT"]);
  });

  test("whose bench never closes gets no further case", async () => {
    const target = toyTarget({ close: never });
    const patience = { openMs: 1_000, closeMs: 10 };
    const report = await run({ cases: [toyCase("usb/a/b"), toyCase("usb/a/c")], targets: [target], patience });
    expect(report.results.map(({ verdict }) => verdict)).toEqual(["failed", "missing"]);
    expect(target.log.filter((line) => line.startsWith("open"))).toHaveLength(1);
  });

  test("that cannot be opened three times over is given up", async () => {
    const open = () => Promise.reject(new RigError("RIG_CANNOT", "the device resets for ever"));
    const cases = ["b", "c", "d", "e", "f"].map((name) => toyCase(`usb/a/${name}`));
    const report = await run({ cases, targets: [toyTarget({ open })] });
    expect(report.results.map(({ verdict }) => verdict)).toEqual(["failed", "failed", "failed", "missing", "missing"]);
    expect(report.results[4]?.reason).toContain("resets for ever");
  });

  test("that opens benches, and has no device any more, is given up after three failures", async () => {
    let asked = 0;
    const present = async () => {
      asked += 1;
      throw new RigError("RIG_CANNOT", "the port is gone");
    };
    const failing = () => Promise.reject(new Error("no such port"));
    const cases = ["b", "c", "d", "e"].map((name) => toyCase(`usb/a/${name}`, failing));
    const report = await run({ cases, targets: [toyTarget({ kind: "real", present })] });
    expect(report.results.map(({ attempts }) => attempts.length)).toEqual([2, 1, 0, 0]);
    expect(report.results[3]).toMatchObject({ verdict: "missing", reason: expect.stringContaining("port is gone") });
    expect(asked).toBe(3);
    expect(report.problems).toMatchObject([
      { code: "RIG_LOST", message: expect.stringMatching(/^real-usb: 2 cases.*port is gone/) },
    ]);
  });

  test("that comes back is not given up", async () => {
    let asked = 0;
    const present = () => (asked++ % 3 < 2 ? Promise.reject(new RigError("RIG_CANNOT", "not yet")) : Promise.resolve());
    const cases = ["b", "c", "d"].map((name) => toyCase(`usb/a/${name}`, () => Promise.reject(new Error("no"))));
    const report = await run({ cases, targets: [toyTarget({ kind: "real", present })] });
    expect(report.results.map(({ verdict }) => verdict)).toEqual(["failed", "failed", "failed"]);
  });

  test("in whose place another device answers is given up at once", async () => {
    const present = () => Promise.reject(new RigError("RIG_WRONG_DEVICE", "another one"));
    const cases = ["b", "c"].map((name) => toyCase(`usb/a/${name}`, () => Promise.reject(new Error("no"))));
    const report = await run({ cases, targets: [toyTarget({ kind: "real", present })] });
    expect(report.results.map(({ attempts }) => attempts.length)).toEqual([1, 0]);
  });

  test("that is waited for longer than others has the time for it", async () => {
    const slow = toyTarget({ open: () => new Promise((resolve) => setTimeout(resolve, 60)) });
    const opened = async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return slow.open();
    };
    const patience = { openMs: 10, closeMs: 1_000 };
    const hasty = await run({ targets: [{ ...slow, open: opened }], patience });
    expect(hasty.absent).toMatchObject([{ code: "RIG_DEADLINE" }]);
    const patient = await run({ targets: [{ ...slow, open: opened, openMs: 5_000 }], patience });
    expect(patient.results).toMatchObject([{ verdict: "passed" }]);
  });

  test("that hangs while it opens is absent", async () => {
    const hangs = { ...toyTarget(), open: never };
    const report = await run({ targets: [hangs], patience: { openMs: 10, closeMs: 10 } });
    expect(report.absent).toMatchObject([{ code: "RIG_DEADLINE" }]);
  });

  test("runs one case at a time, while one in another lane runs beside it", async () => {
    let [most, now, together] = [0, 0, false];
    const inside = new Map<string, number>();
    const slow = toyCase("usb/a/b", async (bench) => {
      const here = (inside.get(bench.target) ?? 0) + 1;
      inside.set(bench.target, here);
      most = Math.max(most, here);
      together ||= ++now > 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      now -= 1;
      inside.set(bench.target, here - 1);
    });
    const cases = ["b", "c", "d"].map((name) => ({ ...slow, id: `usb/a/${name}` }));
    const again = toyTarget({ name: "model-2" });
    await run({ cases, targets: [toyTarget(), again, toyTarget({ kind: "replay" })] });
    expect({ most, together }).toEqual({ most: 1, together: true });
  });
});

describe("a run", () => {
  test("without one executed case fails", async () => {
    expect((await run({ cases: [] })).problems).toMatchObject([{ code: "RIG_NO_CASES" }]);
  });

  test("that demands a real device fails without one that ran a case", async () => {
    expect((await run({ requireReal: true })).problems).toMatchObject([{ code: "RIG_NO_REAL" }]);
    const real = [toyTarget({ kind: "real" })];
    expect((await run({ requireReal: true, targets: real })).problems).toEqual([]);
  });

  test("that demands hardware is not content with a model at a real target's place", async () => {
    const [simulated, hardware] = [true, false].map((is) => [toyTarget({ kind: "real", simulated: is })]);
    if (simulated === undefined || hardware === undefined) throw new Error("no targets");
    expect((await run({ requireReal: true, targets: simulated })).problems).toEqual([]);
    expect((await run({ requireHardware: true, targets: simulated })).problems).toMatchObject([
      { code: "RIG_SIMULATED", message: expect.stringContaining("is simulated") },
    ]);
    expect((await run({ requireHardware: true, targets: hardware })).problems).toEqual([]);
  });

  test("fails for want of a target whose absence is not forgiven, and says it once", async () => {
    const absent = new RigError("RIG_LOCKED", "another run");
    const targets = [toyTarget(), toyTarget({ kind: "real", absent })];
    expect((await run({ targets, requireReal: true, optional: () => false })).problems).toMatchObject([
      { code: "RIG_LOCKED" },
    ]);
  });

  test("that plays recordings fails for each target that has not all of them, where that is demanded", async () => {
    const covers = () => ({ runs: false, verdict: "missing", reason: "no recording" }) as const;
    const targets = [toyTarget(), toyTarget({ kind: "replay", covers })];
    const cases = [toyCase("usb/a/b"), toyCase("usb/a/c")];
    expect((await run({ targets, cases, requireRecorded: true })).problems).toMatchObject([
      { code: "RIG_UNRECORDED", message: expect.stringContaining("usb/a/b is missing, no recording; and 1 more") },
    ]);
    expect((await run({ targets, cases })).problems).toEqual([]);
  });

  test("under --strict fails for what is flaky or missing", async () => {
    const covers = () => ({ runs: false, verdict: "missing", reason: "no recording" }) as const;
    const targets = [toyTarget(), toyTarget({ kind: "replay", covers })];
    expect((await run({ targets })).problems).toEqual([]);
    expect((await run({ targets, strict: true })).problems).toMatchObject([{ code: "RIG_STRICT" }]);
  });

  test("that is interrupted ends at once, closes what is open, and reports what there is", async () => {
    const stop = new AbortController();
    const target = toyTarget();
    const report = await run({
      cases: [toyCase("usb/a/b"), toyCase("usb/a/c", never, { deadlineMs: 3_600_000 }), toyCase("usb/a/d")],
      targets: [target],
      signal: stop.signal,
      onEvent: (event) => {
        if (event.kind === "begun" && event.id === "usb/a/c") setImmediate(() => stop.abort(new Error("Ctrl-C")));
      },
    });
    expect(report.results.map(({ verdict }) => verdict)).toEqual(["passed", "missing", "missing"]);
    expect(report.problems).toMatchObject([{ code: "RIG_INTERRUPTED" }]);
    expect(target.log.slice(-2)).toEqual(["close usb/a/c", "end"]);
  });

  test("that was interrupted before it began opens nothing", async () => {
    const target = { ...toyTarget(), open: never };
    const report = await run({ targets: [target], signal: AbortSignal.abort(new Error("Ctrl-C")) });
    expect(report.absent).toHaveLength(1);
    expect(report.problems.map(({ code }) => code)).toContain("RIG_INTERRUPTED");
  });

  test("tells its progress", async () => {
    const told: string[] = [];
    await run({ onEvent: ({ kind }) => told.push(kind) });
    expect(told).toEqual(["opened", "begun", "judged"]);
  });

  test("puts a recorder around each bench, and tells it how the attempt ended", async () => {
    const told: string[] = [];
    await run({
      around: {
        wrap: (opened, { attempt }) => {
          told.push(`wrap ${attempt}`);
          return opened;
        },
        ended: async (_, { verdict }) => {
          told.push(verdict);
        },
      },
    });
    expect(told).toEqual(["wrap 1", "passed"]);
  });
});
