/** `hil run`: cases × targets, a table, and a folder of reports. */
import { type Command, Option } from "commander";
import { EXIT, type ExitCode, lowestExit, type Output, table } from "../../host/cli/output.ts";
import { underFaults } from "../faults/bench.ts";
import { preflight } from "../map/preflight.ts";
import { type Around, together } from "../rig/attempt.ts";
import type { TransportKind } from "../rig/bench.ts";
import type { Level } from "../rig/case.ts";
import type { RunReport } from "../rig/report.ts";
import { runCases, type TargetPlan } from "../rig/runner.ts";
import { LEVELS, selectCases } from "../rig/select.ts";
import { countVerdicts, hasPassed } from "../rig/verdict.ts";
import { action, exitCodeOf } from "./action.ts";
import { makeRunFolder, writeReports } from "./artefacts.ts";
import { environmentOf, recordFacts } from "./environment.ts";
import { FailureTapes } from "./failure-tapes.ts";
import { stoppable } from "./interrupt.ts";
import { onTarget, seedOf, wholeNumber, withFaults, withPace } from "./options.ts";
import { showRun } from "./print.ts";
import { runProgress } from "./progress.ts";
import { chosenCases } from "./recordings.ts";
import { planTargets, spoilt } from "./targets.ts";
import { andVirtual } from "./virtual.ts";

interface RunCommandOptions {
  readonly target?: string;
  readonly case?: readonly string[];
  readonly level: Level;
  readonly seed?: string;
  readonly port?: string;
  readonly stratum?: string;
  readonly recordings?: string;
  readonly pace?: string;
  readonly report?: string;
  readonly virtual: string;
  readonly strict?: true;
  readonly list?: true;
  readonly faults?: string;
}

const VIRTUAL_MOST = 1_000_000;
/** A scenario over Stratum takes four times as long as one on the serial line. */
const STRATUM_SHARE = 10;

export function registerRun(program: Command): void {
  withPace(withFaults(onTarget(program.command("run"))))
    .description("run the cases on models, recordings and real devices, and write a report")
    .option("--case <id...>", "a case's id, the beginning of one, or a pattern with *")
    .addOption(new Option("--level <level>", "this level and what is stronger").choices(LEVELS).default("MAY"))
    .option("--seed <n>", "0 to 4294967295 (default: drawn, and printed)")
    .option("--recordings <folder>", "what is played back (default: the recordings that come with the rig)")
    .option("--report <dir>", "where reports go (default: a new folder in build/hil)")
    .option(
      "--virtual <n>",
      "fault scenarios under virtual time, besides the cases of models; 0 for none (`hil virtual` plays one again)",
      "2000",
    )
    .option("--strict", "flaky and missing cases fail too")
    .option("--list", "only name the cases that would be run")
    .action(action((output: Output, options: RunCommandOptions) => (options.list ? list : run)(output, options)));
}

function list(output: Output, options: RunCommandOptions): ExitCode {
  const cases = selectCases(chosenCases(options.case), { level: options.level });
  output.answer({ cases: cases.map(({ id, level, title, spec }) => ({ id, level, title, spec })) }, () =>
    table(
      ["case", "level", "holds"],
      cases.map(({ id, level, title }) => [id, level, title]),
    ),
  );
  return EXIT.done;
}

async function run(output: Output, options: RunCommandOptions): Promise<ExitCode> {
  const cases = selectCases(chosenCases(options.case), { level: options.level });
  const seed = seedOf(options);
  let tell = (_: string) => {};
  const { plans: planned, demands } = planTargets(options, process.env, { onWords: (words) => tell(words) });
  const plans = spoilt(planned, options.faults);
  const folder = makeRunFolder(options.report, Date.now(), seed);
  const scenarios = scenariosOf(options, plans);
  const tapes = new FailureTapes(folder, recordFacts());
  const progress = runProgress(cases, plans);
  tell = progress.onWords;
  const report = await stoppable(async (signal) => {
    const environment = { ...environmentOf(process.env), ...(await preflightOf(options, plans, progress.onWords)) };
    const ran = await runCases({
      ...{
        cases,
        targets: plans,
        seed,
        environment,
        signal,
        around: aroundOf(tapes, options),
        onEvent: progress.onEvent,
      },
      ...demands,
      strict: options.strict === true,
    });
    const report = isPartial(options) ? { ...ran, partial: true as const } : ran;
    return andVirtual(report, {
      seed,
      scenarios,
      strict: options.strict === true,
      signal,
      onProgress: progress.onWords,
    });
  }).finally(() => {
    progress.stop();
    tapes.close();
  });
  const page = writeReports(folder, report);
  output.answer(documentOf(report, folder), () => [...showRun(report), `Report: ${page}`]);
  return exitOf(report);
}

/** A tape runs along what the line carries: faults are between it and the case. */
export function aroundOf(tapes: Around, { faults }: { readonly faults?: string }): Around {
  return faults === undefined ? tapes : together(tapes, underFaults(faults));
}

/** Whether it says nothing of the whole. */
function isPartial({ case: ids, level, faults }: RunCommandOptions): boolean {
  return ids !== undefined || level !== "MAY" || faults !== undefined;
}

/** What on this computer may spoil a run on hardware. */
async function preflightOf(
  { port = process.env.HIL_PORT }: RunCommandOptions,
  plans: readonly TargetPlan[],
  tell: (words: string) => void,
): Promise<Record<string, string>> {
  if (!plans.some(({ kind }) => kind === "real")) return {};
  const findings = await preflight(port === "" ? undefined : port);
  for (const { code, what, todo } of findings) tell(`${what} [${code}]. ${todo}`);
  return findings.length === 0 ? {} : { preflight: findings.map(({ code, what }) => `${what} [${code}]`).join("; ") };
}

/** They are for the whole: not with chosen cases, and not without the models, of which they are one. */
function scenariosOf({ virtual, case: chosen, faults }: RunCommandOptions, plans: readonly TargetPlan[]) {
  const count = wholeNumber("--virtual", virtual, 0, VIRTUAL_MOST);
  const modelled = (transport: TransportKind) =>
    chosen === undefined &&
    faults === undefined &&
    plans.some((plan) => plan.kind === "model" && plan.transport === transport);
  const stratum = Math.ceil(count / STRATUM_SHARE);
  return { usb: modelled("usb") ? count : 0, stratum: modelled("stratum") ? stratum : 0 };
}

/** The report without what only the files are for. */
function documentOf(report: RunReport, folder: string) {
  const results = report.results.map(({ latencies: _, attempts, ...result }) => ({
    ...result,
    attempts: attempts.map(({ last: __, ...attempt }) => attempt),
  }));
  return { ...report, results, passed: hasPassed(report), counts: countVerdicts(report.results), folder };
}

export function exitOf(report: RunReport): ExitCode {
  if (hasPassed(report)) return EXIT.done;
  const failed = report.results.some(({ verdict }) => verdict === "failed");
  // Whatever keeps a real device from being used, no device is there to be tested.
  const away = new Set(report.absent.filter(({ kind }) => kind === "real").map(({ code }) => code));
  const codes = report.problems.map(({ code }) => {
    const exit = exitCodeOf(code);
    return exit === EXIT.failed && away.has(code) ? EXIT.deviceAbsent : exit;
  });
  // That nothing ran for want of a device is told by the device's absence.
  const nothing = report.problems.filter(({ code }) => code === "RIG_NO_CASES").length;
  const telling =
    codes.length > nothing ? codes.filter((_, at) => report.problems[at]?.code !== "RIG_NO_CASES") : codes;
  return lowestExit([...telling, ...(failed ? [EXIT.failed] : [])]);
}
