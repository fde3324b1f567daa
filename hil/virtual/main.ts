/**
 * The virtual-time tier from the command line; exit status 1 on any finding.
 *
 * `main.ts [--from SEED] [--count N] [--seconds S] [--workers W]`: many seeds; one JSON document on stdout.
 * `main.ts --seed SEED [--without-steps 1,2] [--without-faults 0]`: one, told in full; a failing one is made smaller.
 */
import { parseArgs } from "node:util";
import { printFaults } from "../faults/text.ts";
import { CorePool } from "./cores.ts";
import { runScenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { drawScenario, type Without } from "./steps.ts";
import { rerunLine, runScenarios } from "./tier.ts";

const { values } = parseArgs({
  options: {
    ...{
      from: { type: "string" },
      count: { type: "string" },
      seconds: { type: "string" },
      workers: { type: "string" },
    },
    ...{ seed: { type: "string" }, "without-steps": { type: "string" }, "without-faults": { type: "string" } },
  },
});
const DEFAULT_COUNT = 10_000;
const DEFAULT_WORKERS = 2;

const numbers = (text: string | undefined) => (text ?? "").split(",").filter(Boolean).map(Number);
const print = (document: unknown) => process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);

async function one(seed: number, without: Without): Promise<boolean> {
  const pool = await CorePool.build();
  const { device, steps, plan, calmAtMs } = drawScenario(seed, without);
  const report = await runScenario(pool, seed, { without });
  print({ device, steps, calmAtMs, faults: printFaults(plan), ...report });
  if (report.findings.length === 0) return true;
  const fails = async (tried: Without) => (await runScenario(pool, seed, { without: tried })).findings.length > 0;
  const smaller = await shrink(seed, async (tried) =>
    fails({ steps: [...without.steps, ...tried.steps], faults: [...without.faults, ...tried.faults] }),
  );
  process.stderr.write(
    `${smaller.steps} steps and ${smaller.faults} faults suffice: ${rerunLine(seed, smaller.without)}\n`,
  );
  return false;
}

async function many(): Promise<boolean> {
  const report = await runScenarios({
    from: Number(values.from ?? 1),
    count: Number(values.count ?? (values.seconds === undefined ? DEFAULT_COUNT : Number.MAX_SAFE_INTEGER / 2)),
    ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
    workers: Number(values.workers ?? DEFAULT_WORKERS),
    onProgress: (done, failed) => {
      if (done % 1000 < 50) process.stderr.write(`${done} scenarios, ${failed} failed\n`);
    },
  });
  print(report);
  for (const { findings, rerun } of report.failures) process.stderr.write(`${rerun}\n  ${findings.join("\n  ")}\n`);
  return report.failures.length === 0;
}

const without = { steps: numbers(values["without-steps"]), faults: numbers(values["without-faults"]) };
const passed = values.seed === undefined ? await many() : await one(Number(values.seed), without);
process.exitCode = passed ? 0 : 1;
