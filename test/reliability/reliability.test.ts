/** Short forms of the sections: the same runs as `make soak`, with less of everything. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { missingPrograms } from "../../host/device/testing/firmware.ts";
import { MOSQUITTO, RUN_MOSQUITTO } from "../../host/mqtt/testing/mosquitto.ts";
import { REPORT, reliabilityReport } from "../../scripts/reliability-report.ts";
import { runAway, runWiped } from "./broker.ts";
import { runClock } from "./clock.ts";
import { runBrownOuts, runLying } from "./device.ts";
import { runKills } from "./kills.ts";
import type { Outcome, Run } from "./section.ts";
import { SECTIONS } from "./sections.ts";
import { runVolume } from "./volume.ts";

/** For a machine that has other things to do. */
const DEADLINE_MS = 240_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reliability-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function short(run: Run, amount: number): Promise<Outcome["counts"]> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const { counts, findings } = await run({ seed: 1, amount, folder, signal, progress: () => {} });
  expect(findings).toEqual([]);
  return counts;
}

describe.skipIf(!RUN_MOSQUITTO)(`the appliance at its worst, with ${MOSQUITTO}`, { timeout: DEADLINE_MS }, () => {
  test("killed at any moment, it loses nothing and has nothing twice", async () => {
    const counts = await short(runKills, 4);
    expect(counts.results).toBe(counts.films);
    expect(counts.kills).toBe(4);
  });

  test("what waited while the broker was away arrives in order", async () => {
    expect(await short(runAway, 200)).toMatchObject({ films: 200, results: 200 });
  });

  test("what a wiped broker forgot arrives after all", async () => {
    const counts = await short(runWiped, 2);
    expect((counts["questions what may be missing"] ?? 0) + (counts["questions about gaps"] ?? 0)).toBeGreaterThan(0);
  });

  test("a device whose supply breaks down changes no result", async () => {
    const counts = await short(runBrownOuts, 8);
    expect(counts["brown-outs"]).toBeGreaterThan(0);
  });

  test.skipIf(missingPrograms("python3").length > 0)("a device that lies changes no result (python3)", async () => {
    const counts = await short(runLying, 8);
    expect(counts.lies).toBeGreaterThan(0);
  });

  test.skipIf(missingPrograms("cc").length > 0)("a clock that jumps by a day delays no result (cc)", async () => {
    expect(await short(runClock, 4)).toMatchObject({ steps: 4 });
  });

  test("many images in a row all have their results", async () => {
    expect(await short(runVolume, 200)).toMatchObject({ films: 200, results: 200 });
  });
});

describe("the reliability report", () => {
  test("is what the recorded runs say (node scripts/reliability-report.ts)", () => {
    expect(readFileSync(REPORT, "utf8")).toBe(reliabilityReport());
  });

  test("adds up the pieces of one name, and names every finding and every section that was not run", () => {
    const piece = { name: "cycles", amount: 50, commit: "abc", startedUtc: "2026-01-01T00:00:00Z", seconds: 90 };
    const text = reliabilityReport([
      {
        ...{ section: "kills", title: "Killed.", unit: "cycles", seed: 1, amount: null, of: 3 },
        machine: { cpu: "a CPU", cores: 2, arch: "x64", node: "v24" },
        pieces: [
          { ...piece, seed: 1, counts: { films: 10 }, findings: [] },
          { ...piece, seed: 2, counts: { films: 11 }, findings: ["lost: film-1 has no result"] },
        ],
      },
    ]);
    expect(text).toContain("| `kills` | 3 min, 2 of 3 pieces | 1 |");
    expect(text).toContain("| cycles | 1 to 2 | 3 min | films: 21 | 1 |");
    expect(text).toContain("- lost: film-1 has no result");
    for (const { name } of SECTIONS.slice(1)) expect(text).toContain(`- \`${name}\`: `);
  });

  test("has the benches' figures with their goals", () => {
    const figures = [{ name: "  a lookup, p99", value: 1234.5, unit: "ms", target: "≤ 1", met: false }];
    const machine = { cpu: "a CPU", cores: 2, node: "v24" };
    const text = reliabilityReport([], [{ utc: "2026-01-02T00:00:00Z", commit: "abc", machine, figures }]);
    expect(text).toContain("2026-01-02, commit abc, 2 cores of a CPU, Node v24.");
    expect(text).toContain("| a lookup, p99 | 1,234.5 ms | ≤ 1 | not met |");
  });
});
