/** `hil soak`: the cases again and again, each round with another seed, until the time is over. */
import type { Command } from "commander";
import { EXIT, type ExitCode, type Output, table } from "../../host/cli/output.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { durationText } from "../report/words.ts";
import type { RunReport } from "../rig/report.ts";
import { runCases } from "../rig/runner.ts";
import { SEED_END } from "../rig/seed.ts";
import { mergeRounds, type Round, roundOf } from "../rig/soak.ts";
import { hasPassed } from "../rig/verdict.ts";
import { action } from "./action.ts";
import { makeRunFolder, writeReports } from "./artefacts.ts";
import { environmentOf, recordFacts } from "./environment.ts";
import { FailureTapes } from "./failure-tapes.ts";
import { stoppable } from "./interrupt.ts";
import { onTarget, seedOf, wholeNumber, withFaults } from "./options.ts";
import { showRun } from "./print.ts";
import { chosenCases } from "./recordings.ts";
import { aroundOf, exitOf } from "./run.ts";
import { planTargets, spoilt } from "./targets.ts";

const MINUTES_MOST = 7 * 24 * 60;
const ROUNDS_SHOWN = 20;

interface SoakCommandOptions {
  readonly target?: string;
  readonly port?: string;
  readonly stratum?: string;
  readonly case?: readonly string[];
  readonly seed?: string;
  readonly report?: string;
  readonly minutes: string;
  readonly faults?: string;
}

export function registerSoak(program: Command): void {
  withFaults(onTarget(program.command("soak")))
    .description("run the cases again and again, with a new seed each round")
    .requiredOption("--minutes <n>", "how long; the round that is under way is ended")
    .option("--case <id...>", "a case's id, the beginning of one, or a pattern with *")
    .option("--seed <n>", "of the first round (default: drawn)")
    .option("--report <dir>", "where reports go (default: a new folder in build/hil)")
    .action(action(soak));
}

async function soak(output: Output, options: SoakCommandOptions): Promise<ExitCode> {
  const minutes = wholeNumber("--minutes", options.minutes, 1, MINUTES_MOST);
  const [cases, seed] = [chosenCases(options.case), seedOf(options)];
  const onWords = (words: string) => output.note(words);
  const { plans: planned, demands } = planTargets(options, process.env, { onWords });
  const plans = spoilt(planned, options.faults);
  const folder = makeRunFolder(options.report, Date.now(), seed);
  const tapes = new FailureTapes(folder, recordFacts());
  const endMs = performance.now() + minutes * 60_000;
  const random = new Seeded(seed);
  const rounds: Round[] = [];
  const common = {
    cases,
    targets: plans,
    environment: environmentOf(process.env),
    around: aroundOf(tapes, options),
    ...demands,
  };
  const whole = await stoppable(async (signal) => {
    let all: RunReport | undefined;
    do {
      const report = await runCases({ ...common, seed: (seed + rounds.length) % SEED_END, signal });
      const round = roundOf(rounds.length + 1, report, process.memoryUsage.rss());
      rounds.push(round);
      output.note(roundLine(round));
      all = all === undefined ? report : mergeRounds(all, report, random.next);
      // What cannot run now does not run in the next round either.
      if (report.problems.length > 0) break;
    } while (performance.now() < endMs && !signal.aborted);
    return all;
  }).finally(() => tapes.close());
  const page = writeReports(folder, whole);
  output.answer({ passed: hasPassed(whole), rounds, folder }, () => [
    ...showRun(whole),
    ...roundTable(rounds),
    `Report: ${page}`,
  ]);
  return rounds.some(({ failed }) => failed > 0) ? EXIT.failed : exitOf(whole);
}

function roundLine({ round, seed, passed, failed, flaky, durationMs, rssMiB }: Round): string {
  return `round ${round}, seed ${seed}: ${passed} passed, ${failed} failed, ${flaky} flaky in ${durationText(durationMs)}, ${rssMiB} MiB`;
}

function roundTable(rounds: readonly Round[]): string[] {
  const shown = rounds.slice(-ROUNDS_SHOWN);
  const rows = shown.map(({ round, seed, passed, failed, flaky, durationMs, rssMiB }) =>
    [round, seed, passed, failed, flaky, Math.round(durationMs), rssMiB].map(String),
  );
  return [`${rounds.length} rounds:`, ...table(["round", "seed", "passed", "failed", "flaky", "ms", "MiB"], rows)];
}
