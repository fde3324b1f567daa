import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { MOSQUITTO, RUN_MOSQUITTO } from "../../host/mqtt/testing/mosquitto.ts";
import { LINE_FAULTS, planOf } from "./plan.ts";
import { ShareBook } from "./shares.ts";
import { runSoak } from "./soak.ts";

const SECONDS = 25;

describe("the soak's plan", () => {
  test("has every fault, however short the run, and ends the appliance only in the first half", () => {
    const plan = planOf(SECONDS, new Seeded(1));
    const kinds = new Set(plan.map(({ fault }) => fault));
    const others = ["stranger", "broker-restart", "kill", "restart", "miners-away", "burst"];
    expect([...kinds].sort()).toEqual([...LINE_FAULTS, ...others].sort());
    const last = plan.findLast(({ fault }) => fault === "kill" || fault === "restart");
    expect(last?.atMs).toBeLessThan((SECONDS * 1000) / 2);
  });
});

describe("the soak's share book", () => {
  test("finds an accepted share that is no work, and one that counts twice", () => {
    const book = new ShareBook();
    const header = Buffer.alloc(80, 1);
    book.accepted("a", header, 1);
    book.accepted("a", Buffer.alloc(80, 2), 2 ** -200);
    book.accepted("b", Buffer.alloc(80, 2), 2 ** -200);
    expect(book.verified).toBe(1);
    expect(book.findings.map((words) => words.slice(0, 17))).toEqual(["accepted without ", "accepted twice: 0"]);
  });
});

describe.skipIf(!RUN_MOSQUITTO)(`the appliance at mixed faults, with ${MOSQUITTO}`, () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "soak-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("seals every result, with shares that are work", { timeout: 180_000 }, async () => {
    const report = await runSoak({ seconds: SECONDS, seed: 1, folder, say: () => {} });
    expect(report.findings).toEqual([]);
    expect(report.receipts).toBe(report.results);
    expect(report.results).toBeGreaterThanOrEqual(report.films);
    expect(report.shares.verified).toBeGreaterThan(0);
    // What was made wrong and accepted would be a finding; which of them are refused, and which too late, is a matter of load.
    const { refused, stale, unanswered } = report.shares;
    expect(refused + stale + unanswered).toBeGreaterThan(0);
  });
});
