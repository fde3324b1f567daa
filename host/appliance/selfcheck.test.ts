import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Notice } from "../health/service-manager.ts";
import type { SelfCheckReport } from "./known-answer.ts";
import { Selfcheck, type SelfcheckParts } from "./selfcheck.ts";

const PASSED: SelfCheckReport = {
  ok: true,
  checks: [{ name: "decoder", ok: true, code: null, durationMs: 3 }],
  reference: "own",
};
const WRONG: SelfCheckReport = {
  ok: false,
  checks: [
    { name: "decoder", ok: true, code: null, durationMs: 3 },
    { name: "model", ok: false, code: "SELFCHECK_MODEL", durationMs: 4 },
  ],
  reference: "none",
};
const LIAR: SelfCheckReport = {
  ...PASSED,
  ok: false,
  checks: [...PASSED.checks, { name: "device", ok: false, code: "SELFCHECK_DEVICE", durationMs: 5 }],
};

let nowMs: number;
let told: Notice[];
let reports: SelfCheckReport[];
let failures: unknown[];
let check: () => Promise<SelfCheckReport>;
let selfcheck: Selfcheck | undefined;

beforeEach(() => {
  [nowMs, told, reports, failures] = [0, [], [], []];
  check = async () => PASSED;
});

afterEach(() => selfcheck?.stop());

function start(change: Partial<SelfcheckParts> = {}): Selfcheck {
  selfcheck = new Selfcheck({
    check: () => check(),
    service: {
      watchdogMs: null,
      tell: async (...notices) => void told.push(...notices.filter((notice) => !notice.startsWith("STATUS="))),
    },
    intervalMs: 5,
    monotonicMs: () => nowMs,
    utcMs: () => 1_700_000_000_000,
    status: () => "serves",
    checked: (report) => reports.push(report),
    failed: (error) => failures.push(error),
    ...change,
  });
  selfcheck.start();
  return selfcheck;
}

const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true));

test("is ready with the first check that passed, and feeds the watchdog with each one after it", async () => {
  const running = start();
  expect(running.failing).toBeUndefined();
  expect(running.view).toBeNull();
  await until(() => told.length >= 3);
  expect(told.slice(0, 3)).toEqual(["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
  expect(running).toMatchObject({ proven: true, failing: false });
  expect(running.view).toEqual({
    ...{ ok: true, proven: true, utcMs: 1_700_000_000_000, durationMs: 3, lastErrorCode: null, reference: "own" },
  });
});

test("a wrong answer says nothing to the service manager, and names its code", async () => {
  check = async () => WRONG;
  const running = start();
  await until(() => reports.length >= 2);
  expect(told).toEqual([]);
  expect(running).toMatchObject({ proven: false, failing: true });
  expect(running.view).toMatchObject({ ok: false, proven: false, lastErrorCode: "SELFCHECK_MODEL", durationMs: 7 });
});

test("a check that hangs feeds nothing, and after three intervals nothing is proven", async () => {
  const running = start();
  await until(() => told.length >= 2);
  let isAsked = false;
  check = () => {
    isAsked = true;
    return new Promise(() => {});
  };
  await until(() => isAsked);
  const fed = told.length;
  nowMs = 15;
  expect(running.proven).toBe(true);
  nowMs = 16;
  expect(running).toMatchObject({ proven: false, failing: true });
  expect(told.length).toBe(fed);
  selfcheck = undefined;
});

test("what failed and passes again is proven again", async () => {
  check = async () => WRONG;
  const running = start();
  await until(() => reports.length >= 1);
  check = async () => PASSED;
  await until(() => running.proven);
  expect(told[0]).toBe("READY=1");
});

test("a device that lies is told, and images are served all the same", async () => {
  check = async () => LIAR;
  const running = start();
  await until(() => told.length >= 2);
  expect(running).toMatchObject({ proven: true, failing: false });
  expect(running.view).toMatchObject({ ok: false, proven: true, lastErrorCode: "SELFCHECK_DEVICE" });
});

test("a watchdog that bites sooner than the interval is fed three times before", async () => {
  start({
    intervalMs: 3_600_000,
    service: {
      watchdogMs: 30,
      tell: async (...notices) => void told.push(...notices.filter((notice) => !notice.startsWith("STATUS="))),
    },
  });
  await until(() => told.length >= 3);
});

test("readiness that could not be told is told with the next check", async () => {
  let broken = true;
  const tell = async (...notices: readonly Notice[]) => {
    if (broken) throw new Error("nobody listens");
    told.push(...notices.filter((notice) => !notice.startsWith("STATUS=")));
  };
  start({ service: { watchdogMs: null, tell } });
  await until(() => failures.length >= 1);
  broken = false;
  await until(() => told.length >= 2);
  expect(told.slice(0, 2)).toEqual(["READY=1", "WATCHDOG=1"]);
});

test("a check that fails because everything stops is not told", async () => {
  let release: (report: SelfCheckReport) => void = () => {};
  check = () => new Promise((resolve) => (release = resolve));
  const running = start();
  const stopped = running.stop();
  release(WRONG);
  await stopped;
  expect(reports).toEqual([]);
  expect(running.view).toBeNull();
  expect(told).toEqual(["STOPPING=1"]);
});
