/** `hil score`: arguments, progress, and what came of it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorMessage } from "../../host/base/error.ts";
import { EXIT, Output } from "../../host/cli/output.ts";
import { ROOT } from "../cli/action.ts";
import { commitOf, commitWords, environmentOf } from "../cli/environment.ts";
import { stoppable } from "../cli/interrupt.ts";
import { expectClean } from "./clean.ts";
import { isGood, type Judged, judge } from "./judge.ts";
import { type Mutant, TIERS, type Tier } from "./mutant.ts";
import { CONTROL_MUTANTS } from "./mutants/control.ts";
import { MUTANTS, quickOnes } from "./mutants.ts";
import { scorePage, scoreTable } from "./results.ts";
import { scoreRig } from "./score.ts";

const HELP = `Usage: hil score [options]

Plants defects into host, device core, models and recordings, runs the rig on each, and tells which target and case
finds it. ${MUTANTS.length} defects; all of them take ten minutes or more. What finds one is tried without it as well. Exit code 0
only if nothing survives unexplained, and nothing finds what is no defect.

  --mutant <id...>   these only, or all whose id begins so (several with commas)
  --quick            one of each group, with the cases it names: some minutes, no score; another --seed, other ones
  --list             tell what is planted, and run nothing
  --all              run every kind of target on each, not only until one finds it
  --hinted           only the cases that each defect names as likely to find it: a quick look, no score
  --tier <names>     only these: ${TIERS.join(", ")}
  --jobs <n>         mutants at once (default 2)
  --seed <n>         of the cases (default 1)
  --scenarios <n>    fault scenarios of the virtual tier (default 400)
  --results <file>   write the page of results there; of a clean commit only
  --keep             leave the copies in build/hil-score
  --json             one JSON document on stdout and nothing else`;

const ALL: readonly Mutant[] = [...MUTANTS, ...CONTROL_MUTANTS];
const LIMITS = { jobs: [1, 16], seed: [0, 2 ** 31], scenarios: [100, 100_000] } as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      mutant: { type: "string", multiple: true },
      quick: { type: "boolean" },
      list: { type: "boolean" },
      all: { type: "boolean" },
      hinted: { type: "boolean" },
      tier: { type: "string" },
      jobs: { type: "string", default: "2" },
      seed: { type: "string", default: "1" },
      scenarios: { type: "string", default: "400" },
      results: { type: "string" },
      keep: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const output = new Output(values.json === true);
  if (values.help) {
    output.document(HELP);
    return EXIT.done;
  }
  const wanted = [...(values.mutant ?? []), ...positionals].flatMap((ids) => ids.split(","));
  const tiers = tiersOf(values.tier);
  const unknown = wanted.find((want) => !ALL.some(({ id }) => id.startsWith(want)));
  const quick = values.quick === true;
  if (unknown !== undefined) return usage(output, `there is no defect "${unknown}"`);
  if (tiers === undefined) return usage(output, `--tier ${values.tier}: there are ${TIERS.join(", ")}`);
  const [jobs, seed, scenarios] = [
    number("jobs", values.jobs),
    number("seed", values.seed),
    number("scenarios", values.scenarios),
  ];
  if (jobs === undefined || seed === undefined || scenarios === undefined)
    return usage(output, "a number is out of range");
  if (quick && wanted.length > 0) return usage(output, "--quick chooses the defects itself");
  const mutants = quick ? [...quickOnes(seed), ...CONTROL_MUTANTS] : named(wanted);
  if (values.list) {
    output.answer(mutants, () => mutants.map(({ id, what }) => `${id}: ${what}`));
    return EXIT.done;
  }
  if (values.results !== undefined) expectClean(ROOT, values.results);
  const commit = commitOf();
  const isOfCommit = values.results !== undefined || !commit.dirty;
  const environment = { ...environmentOf(process.env), commit: commitWords({ ...commit, dirty: !isOfCommit }) };
  const score = await stoppable((signal) =>
    scoreRig({
      ...{ root: ROOT, folder: join(ROOT, "build/hil-score"), mutants, jobs, seed, scenarios, tiers, signal },
      ...{ all: values.all === true, hinted: quick || values.hinted === true, keep: values.keep === true },
      onWords: (words) => output.note(words),
    }),
  );
  const judged: Judged = judge(score);
  if (!isOfCommit) output.note("the checkout has changes that no commit holds: nobody can measure this again");
  if (quick) output.note("one defect of each group, with the cases that it names: no score of the rig");
  const told = { command: `./hil/hil score ${process.argv.slice(2).join(" ")}`.trimEnd(), environment };
  if (values.results !== undefined) writeFileSync(values.results, scorePage(score, judged, told));
  output.answer({ ...told, ...judged, score }, () => scoreTable(score, judged));
  return isGood(judged) ? EXIT.done : EXIT.failed;
}

function named(wanted: readonly string[]): readonly Mutant[] {
  return ALL.filter(({ id }) => wanted.length === 0 || wanted.some((want) => id.startsWith(want)));
}

function tiersOf(names: string | undefined): readonly Tier[] | undefined {
  if (names === undefined) return TIERS;
  const wanted = names.split(",");
  const tiers = TIERS.filter((tier) => wanted.includes(tier));
  return tiers.length === wanted.length ? tiers : undefined;
}

function number(name: keyof typeof LIMITS, text: string): number | undefined {
  const [least, most] = LIMITS[name];
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

function usage(output: Output, words: string): number {
  output.note(`error: ${words} (--help shows what is possible)`);
  return EXIT.usage;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isOption = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  new Output(process.argv.includes("--json")).failure(error instanceof Error ? error : new Error(errorMessage(error)));
  process.exitCode = isOption ? EXIT.usage : EXIT.failed;
}
