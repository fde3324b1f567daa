/** `hil virtual`: fault scenarios under virtual time, many of them, or one told in full and made smaller. */
import type { Command } from "commander";
import { UsageError } from "../../host/cli/error.ts";
import { EXIT, type ExitCode, type Output } from "../../host/cli/output.ts";
import { printFaults } from "../faults/text.ts";
import type { TransportKind } from "../rig/bench.ts";
import { drawSeed, SEED_END } from "../rig/seed.ts";
import { CorePool } from "../virtual/cores.ts";
import { rerunLine } from "../virtual/rerun.ts";
import { runScenario } from "../virtual/scenario.ts";
import { shrink } from "../virtual/shrink.ts";
import { drawScenario, type Without } from "../virtual/steps.ts";
import { runStratumScenario } from "../virtual/stratum.ts";
import { runScenarios } from "../virtual/tier.ts";
import { action } from "./action.ts";
import { stoppable } from "./interrupt.ts";
import { wholeNumber } from "./options.ts";
import { virtualTally } from "./print.ts";
import { problemsOf, tallyOf, WORKERS } from "./virtual.ts";

const MOST = 1_000_000_000;
const MOST_SECONDS = 7 * 24 * 3600;
const MOST_THREADS = 64;
const TOLD_EVERY = 5000;

const NOTES = `
  ./hil/hil virtual --seconds 60                 as many as a minute holds
  ./hil/hil virtual --seed 54                    one again, told step by step; a failing one is made smaller

What must hold, whatever the faults: every call settles in its time and no request twice; no wrong digest is taken for a right one; nothing
is kept over a restart; memory stays bounded; the link comes back. Simulated: the C core as WebAssembly, and simulated miners.`;

interface ScenarioOptions {
  readonly stratum?: true;
  readonly seed?: string;
  readonly from?: string;
  readonly count: string;
  readonly seconds?: string;
  readonly workers: string;
  readonly withoutSteps?: string;
  readonly withoutFaults?: string;
}

export function registerVirtual(program: Command): void {
  program
    .command("virtual")
    .description("play seeded fault scenarios under virtual time, or one seed again")
    .option("--stratum", "the Stratum pool and its miners instead of the serial line")
    .option("--seed <n>", "this one alone, told in full")
    .option("--without-steps <numbers>", "with --seed: leave these out, such as 0,3")
    .option("--without-faults <numbers>", "with --seed: leave these out")
    .option("--from <n>", "the first seed of many (default: drawn)")
    .option("--count <n>", "how many (with --seconds: at most)", "10000")
    .option("--seconds <n>", "for so long at most")
    .option("--workers <n>", "threads", String(WORKERS))
    .addHelpText("after", NOTES)
    .action(action(play));
}

function play(output: Output, options: ScenarioOptions): Promise<ExitCode> {
  if (options.seed === undefined) return many(output, options);
  const seed = wholeNumber("--seed", options.seed, 0, SEED_END - 1);
  if (options.stratum) return oneOfStratum(output, seed);
  const steps = numbersOf("--without-steps", options.withoutSteps);
  return one(output, seed, { steps, faults: numbersOf("--without-faults", options.withoutFaults) });
}

function numbersOf(option: string, text = ""): readonly number[] {
  return text
    .split(",")
    .filter(Boolean)
    .map((number) => wholeNumber(option, number, 0, 999));
}

async function many(output: Output, options: ScenarioOptions): Promise<ExitCode> {
  const transport: TransportKind = options.stratum ? "stratum" : "usb";
  if (options.withoutSteps !== undefined || options.withoutFaults !== undefined) {
    throw new UsageError("USAGE_OPTION", "--without-steps and --without-faults go with --seed");
  }
  const from = options.from === undefined ? drawSeed() : wholeNumber("--from", options.from, 0, SEED_END - 1);
  const report = await stoppable((signal) =>
    runScenarios({
      ...{ transport, from, signal },
      count: wholeNumber("--count", options.count, 1, MOST),
      workers: wholeNumber("--workers", options.workers, 1, MOST_THREADS),
      ...(options.seconds === undefined ? {} : { seconds: wholeNumber("--seconds", options.seconds, 1, MOST_SECONDS) }),
      onProgress: (done, failed) => {
        if (done % TOLD_EVERY === 0) output.note(`${done} scenarios, ${failed} failed`);
      },
    }),
  );
  const problems = problemsOf(report);
  output.answer({ ...report, passed: problems.length === 0 }, () => [
    ...virtualTally(tallyOf(report)),
    `${report.scenariosAMinute} scenarios a minute, ${report.workers} workers, seeds from ${from}`,
    ...problems.filter(() => report.scenarios === 0).map(({ message }) => `problem: ${message}`),
  ]);
  return problems.length === 0 ? EXIT.done : EXIT.failed;
}

async function one(output: Output, seed: number, without: Without): Promise<ExitCode> {
  const pool = await CorePool.build();
  const { device, steps, plan, calmAtMs } = drawScenario(seed, without);
  const report = await runScenario(pool, seed, { without });
  const failed = report.findings.length > 0;
  const again = failed ? await smaller(pool, seed, without) : undefined;
  const faults = printFaults(plan);
  output.answer({ device, steps, calmAtMs, faults, ...report, ...(again === undefined ? {} : { again }) }, () => [
    `seed ${seed}, simulated: ${JSON.stringify(device)}`,
    `faults: ${faults}`,
    ...steps.map(({ atMs, action }) => `${String(atMs).padStart(7)} ms  ${JSON.stringify(action)}`),
    `${String(calmAtMs).padStart(7)} ms  calm`,
    `${report.calls} calls, ${report.answered} answered, ${report.boots} boots, ${report.opens} connections`,
    ...verdict(report.findings),
    ...(again === undefined ? [] : [`again: ${again}`]),
  ]);
  return failed ? EXIT.failed : EXIT.done;
}

const verdict = (findings: readonly string[]) =>
  findings.length === 0 ? ["It held."] : findings.map((finding) => `FAILED: ${finding}`);

/** The line that plays what suffices to fail. */
async function smaller(pool: CorePool, seed: number, without: Without): Promise<string> {
  const both = (tried: Without): Without => ({
    steps: [...without.steps, ...tried.steps],
    faults: [...without.faults, ...tried.faults],
  });
  const fails = async (tried: Without) => (await runScenario(pool, seed, { without: both(tried) })).findings.length > 0;
  return rerunLine("usb", seed, both((await shrink(seed, fails)).without));
}

async function oneOfStratum(output: Output, seed: number): Promise<ExitCode> {
  const { plan, ...report } = await runStratumScenario(seed);
  const faults = printFaults(plan);
  output.answer({ faults, ...report }, () => [
    `seed ${seed}, simulated`,
    `faults: ${faults}`,
    `${report.shares} shares accepted, ${report.refused} refused, ${report.proofs} proofs, ${report.connections} connections`,
    ...verdict(report.findings),
  ]);
  return report.findings.length === 0 ? EXIT.done : EXIT.failed;
}
