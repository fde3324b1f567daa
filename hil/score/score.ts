/** Scores the rig: a baseline without any defect, then each mutant in a copy of its own, the cheapest tier first. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { missingWasmTools } from "../../host/device/testing/firmware.ts";
import { type ConfirmedTrial, tryConfirmed } from "./confirm.ts";
import { ScoreError } from "./error.ts";
import { isInC, kindOf, type Mutant, reachOf, TIERS, type Tier } from "./mutant.ts";
import { plant } from "./plant.ts";
import { type TimedTrial, tryIn } from "./run-trial.ts";
import { buildFirmware, copyTree } from "./tree.ts";

export interface ScoreOptions {
  /** The checkout. */
  readonly root: string;
  /** Where copies are made, below the checkout. */
  readonly folder: string;
  readonly mutants: readonly Mutant[];
  /** Mutants tried at once. */
  readonly jobs: number;
  readonly seed: number;
  /** Fault scenarios of the virtual tier. */
  readonly scenarios: number;
  /** Every tier that reaches the mutant is run, not only until one finds it. */
  readonly all: boolean;
  /** Only these tiers. */
  readonly tiers: readonly Tier[];
  /** Only the mutants' hinted cases, in the baseline as well: for a quick look, and no score of the rig. */
  readonly hinted: boolean;
  /** Copies are left where they are. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
  readonly onWords: (words: string) => void;
}

export interface Scored {
  readonly mutant: Mutant;
  /** `invalid`: it could not be planted or built, which is a defect of the score. */
  readonly verdict: "killed" | "survived" | "invalid";
  readonly error: string | null;
  /** What was run, in this order. */
  readonly trials: readonly { readonly tier: Tier; readonly trial: ConfirmedTrial }[];
  readonly ms: number;
}

export interface Score {
  readonly baseline: readonly { readonly tier: Tier; readonly trial: TimedTrial }[];
  readonly scored: readonly Scored[];
  /** Tiers that could not be run here, and why. */
  readonly leftOut: readonly { readonly tier: Tier; readonly why: string }[];
  readonly all: boolean;
  readonly ms: number;
}

const RECORD_MS = 300_000;
/** What is kept of scenarios that are over shows by these, even a few hundred bytes of each. */
const MEMORY_SCENARIOS = 600;

/** @throws ScoreError SCORE_BASELINE, SCORE_BUILD, SCORE_TRIAL; what the signal was aborted with */
export async function scoreRig(options: ScoreOptions): Promise<Score> {
  const startMs = performance.now();
  const leftOut = missingWasmTools.length === 0 ? [] : [{ tier: "virtual" as const, why: lacking(missingWasmTools) }];
  const tiers = TIERS.filter((tier) => options.tiers.includes(tier) && !leftOut.some((one) => one.tier === tier));
  const base = join(options.folder, "base");
  mkdirSync(options.folder, { recursive: true });
  await prepare(base, options);
  const baseline = await runBaseline(base, tiers, options);
  const score = (mutant: Mutant) => scoreOne(base, mutant, tiers, options);
  const scored = await inParallel(options.mutants, options.jobs, runsLong, score);
  if (!options.keep) rmSync(base, { recursive: true, force: true });
  return { baseline, scored, leftOut, all: options.all, ms: performance.now() - startMs };
}

function lacking(programs: readonly string[]): string {
  return `there is no ${programs.join(", no ")} to build the core for WebAssembly`;
}

/** A copy without a defect, its programs built, and recordings to play: the rig's own, or fresh ones. */
async function prepare(base: string, { root, signal, seed, onWords }: ScoreOptions): Promise<void> {
  onWords("copying and building");
  copyTree(root, base);
  await buildFirmware(base, "all");
  if (missingWasmTools.length === 0) await buildFirmware(base, "wasm");
  if (existsSync(join(base, "hil/recordings/usb"))) return;
  onWords("recording every case on the models");
  const args = [join(base, "hil/cli/main.ts"), "record", "--target", "model", "--seed", String(seed)];
  try {
    await promisify(execFile)(process.execPath, args, { cwd: base, timeout: RECORD_MS, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new ScoreError("SCORE_BASELINE", `recording: ${errorMessage(error).slice(-2000)}`, { cause: error });
  }
}

async function runBaseline(base: string, tiers: readonly Tier[], options: ScoreOptions): Promise<Score["baseline"]> {
  const baseline: { tier: Tier; trial: TimedTrial }[] = [];
  for (const tier of tiers) {
    options.onWords(`without a defect: ${tier}`);
    const hint = options.hinted ? options.mutants.flatMap((mutant) => mutant.hint) : [];
    const of = { ...trialOf(options, options.mutants), tier, hint: [...new Set(hint)], past: [], again: null };
    const trial = await tryIn(base, of, options.signal);
    if (trial.found !== null) {
      const { target, by, message } = trial.found;
      throw new ScoreError("SCORE_BASELINE", `${by} on ${target}: ${message}`);
    }
    baseline.push({ tier, trial });
  }
  return baseline;
}

function trialOf({ seed, scenarios, hinted }: ScoreOptions, mutants: readonly Mutant[]) {
  const isAboutMemory = mutants.some((mutant) => mutant.isAboutMemory);
  const least = isAboutMemory ? MEMORY_SCENARIOS : 0;
  return { seed, scenarios: Math.max(least, scenarios), hintOnly: hinted };
}

async function scoreOne(base: string, mutant: Mutant, tiers: readonly Tier[], options: ScoreOptions): Promise<Scored> {
  const startMs = performance.now();
  const copy = join(options.folder, mutant.id.replaceAll("/", "-"));
  const trials: { tier: Tier; trial: ConfirmedTrial }[] = [];
  const scored = (verdict: Scored["verdict"], error: string | null = null): Scored => {
    const ms = performance.now() - startMs;
    options.onWords(wordsOf(mutant, verdict, error, trials.at(-1)?.trial, ms));
    return { mutant, verdict, error, trials, ms };
  };
  try {
    copyTree(base, copy);
    plant(copy, mutant);
    for (const tier of tiersFor(mutant, tiers)) {
      if (isInC(mutant)) await buildFirmware(copy, tier === "virtual" ? "wasm" : "model");
      const of = { ...trialOf(options, [mutant]), tier, hint: mutant.hint };
      const trial = await tryConfirmed(copy, base, of, options.signal);
      trials.push({ tier, trial });
      if (trial.found !== null && !options.all) break;
    }
    return scored(trials.some(({ trial }) => trial.found !== null) ? "killed" : "survived");
  } catch (error) {
    options.signal.throwIfAborted();
    return scored("invalid", `${errorMessage(error)}${errorCode(error) === "INTERNAL" ? " [INTERNAL]" : ""}`);
  } finally {
    if (!options.keep) rmSync(copy, { recursive: true, force: true });
  }
}

/** Those that are to find it before the others, each of both from cheap to dear. */
function tiersFor(mutant: Mutant, tiers: readonly Tier[]): readonly Tier[] {
  const reach = reachOf(mutant).filter((tier) => tiers.includes(tier));
  const likely = reach.filter((tier) => mutant.expected.includes(kindOf(tier)));
  return [...likely, ...reach.filter((tier) => !likely.includes(tier))];
}

function wordsOf(
  { id }: Mutant,
  verdict: Scored["verdict"],
  error: string | null,
  last: TimedTrial | undefined,
  ms: number,
): string {
  const by = verdict === "killed" && last?.found ? ` by ${last.found.by} on ${last.found.target}` : "";
  return `${id} ${verdict}${by}${error === null ? "" : `: ${error}`}, ${(ms / 1000).toFixed(1)} s`;
}

/** Nothing is to find it, so that everything is run on it. */
function runsLong({ survives, isControl }: Mutant): boolean {
  return survives !== undefined || isControl === true;
}

/** The long ones first, so that none of them is left to run alone. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  isLong: (item: Item) => boolean,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...items.entries()].sort(([, a], [, b]) => Number(isLong(b)) - Number(isLong(a))).values();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
