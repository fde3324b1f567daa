/** Short forms: the same runs as `make soak SOAK=power`, at some of the operations. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { missingPrograms } from "../../host/device/testing/firmware.ts";
import type { Outcome, Run } from "../reliability/section.ts";
import { runCutOff, runPageLost } from "./cut-off.ts";
import { runFull, runKilled, runPowerCut, runSalvageCut, runSalvageKilled, runTorn } from "./lives.ts";

/** For a machine that has other things to do. */
const DEADLINE_MS = 240_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "power-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function short(run: Run, amount: number): Promise<Outcome["counts"]> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const { counts, findings } = await run({ seed: 1, amount, folder, signal, progress: () => {} });
  expect(findings).toEqual([]);
  return counts;
}

describe.skipIf(missingPrograms("cc").length > 0)("a store whose disk fails it (cc)", { timeout: DEADLINE_MS }, () => {
  test("where the disk is full, what is refused is refused by name, and nothing else is lost", async () => {
    expect(await short(runFull, 16)).toMatchObject({ lives: 16, "went on": 16 });
  });

  test("killed before any operation, it has all that it said was durable", async () => {
    expect(await short(runKilled, 12)).toMatchObject({ lives: 12, killed: 12 });
  });

  test("killed in the middle of a write, it has all that it said was durable", async () => {
    expect(await short(runTorn, 12)).toMatchObject({ lives: 12, killed: 12 });
  });

  test("after a power cut, whatever of the unsynced reached the disk, it has all that it said was durable", async () => {
    expect(await short(runPowerCut, 120)).toMatchObject({ states: 120 });
  });

  test("saving what can be saved of a damaged one goes on after a kill, and after a disk that was full", async () => {
    expect(await short(runSalvageKilled, 18)).toMatchObject({ lives: 18 });
  });

  test("and after a power cut in the middle of it", async () => {
    expect(await short(runSalvageCut, 80)).toMatchObject({ states: 80 });
  });
});

test("cut off at any length, database and journal are opened, and what is there is right", async () => {
  expect(await short(runCutOff, 60)).toMatchObject({ lengths: 120 });
}, 240_000);

test("whichever page is lost, the store is opened, and what is there is right", async () => {
  expect(await short(runPageLost, 12)).toMatchObject({ states: 36 });
}, 240_000);
