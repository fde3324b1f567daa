/** One tier of the rig, run inside a copy of the checkout until something is found. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../../host/base/error.ts";
import { ALL_CASES } from "../cli/cases.ts";
import { planTargets } from "../cli/targets.ts";
import { EXTENSION, RECORDINGS_FOLDER, readRecording } from "../recording/files.ts";
import { verifyRecording } from "../recording/verify.ts";
import type { AnyCase } from "../rig/case.ts";
import { type RunEvent, runCases, type TargetPlan } from "../rig/runner.ts";
import { rerunLine } from "../virtual/rerun.ts";
import type { FailedSeed, Seeds } from "../virtual/scenario-worker.ts";
import { WHOLE } from "../virtual/steps.ts";
import { runScenarios } from "../virtual/tier.ts";
import type { Tier } from "./mutant.ts";

export interface TrialOptions {
  readonly tier: Tier;
  /** Cases to begin with. */
  readonly hint: readonly string[];
  readonly seed: number;
  /** Fault scenarios of the virtual tier. */
  readonly scenarios: number;
  /** No case but those. */
  readonly hintOnly: boolean;
  /** Cases and recordings that are left out. */
  readonly past: readonly string[];
  /** What found something elsewhere, and nothing but that. */
  readonly again: Finder | null;
}

/** What found the defect. */
export interface Finder {
  /** A target's name; `verify`, `virtual`. */
  readonly target: string;
  /** A case's id, a recording's name or a seed; `opening` where the target itself could not be opened. */
  readonly by: string;
  readonly message: string;
  /** Of the virtual tier: what to play for it. */
  readonly seeds?: Seeds;
}

export interface TrialResult {
  readonly found: Finder | null;
  /** Cases, recordings or scenarios that were run. */
  readonly ran: number;
  /** Failed once and passed then: counts for nothing, and is told. */
  readonly flaky: readonly string[];
}

/** Hears what is tried now. */
export type Begun = (target: string, by: string) => void;

/** @param onBegun hears what is tried next, so that a hang has a name */
export async function runTrial(options: TrialOptions, onBegun: Begun): Promise<TrialResult> {
  switch (options.tier) {
    case "verify":
      return verifyAll(options, onBegun);
    case "virtual":
      return runVirtual(options, onBegun);
    default:
      return runTargets(options, onBegun);
  }
}

/** One miner that refuses nothing, and one that trips over everything. */
const STRATUM_MODELS = "model-stratum-stock,model-stratum-oldest";

async function runTargets(options: TrialOptions, onBegun: Begun): Promise<TrialResult> {
  const { tier, seed } = options;
  const target = tier === "model-stratum" ? STRATUM_MODELS : tier === "replay-lv06" ? "replay-lv06-shares" : tier;
  const { plans } = planTargets({ target }, {}, { onWords: () => {} });
  const [first] = plans;
  const usable = ALL_CASES.filter(({ transport }) => transport === first?.transport);
  const cases = chosen(usable, options);
  const stop = new AbortController();
  let found: Finder | null = null;
  let ran = 0;
  const flaky: string[] = [];
  const onEvent = (event: RunEvent) => {
    if (event.kind === "begun") onBegun(event.target, event.id);
    const finder = finderOf(event);
    if (event.kind === "judged" && event.result.attempts.length > 0) ran += 1;
    if (event.kind === "judged" && event.result.verdict === "flaky") flaky.push(event.result.id);
    if (finder === null || stop.signal.aborted) return;
    found = finder;
    stop.abort();
  };
  await runCases({ cases, targets: targetsOf(plans, options), seed, environment: {}, signal: stop.signal, onEvent });
  return { found, ran, flaky };
}

function chosen(cases: readonly AnyCase[], { hint, hintOnly, past, again }: TrialOptions): AnyCase[] {
  if (again !== null) return cases.filter(({ id }) => id === again.by);
  const left = cases.filter(({ id }) => !past.includes(id));
  const firsts = hint.flatMap((id) => left.find((one) => one.id === id) ?? []);
  return hintOnly ? firsts : [...firsts, ...left.filter((one) => !firsts.includes(one))];
}

function targetsOf(plans: readonly TargetPlan[], { again }: TrialOptions): readonly TargetPlan[] {
  const own = plans.filter(({ name }) => name === again?.target);
  return own.length === 0 ? plans : own;
}

function finderOf(event: RunEvent): Finder | null {
  if (event.kind === "absent") return { target: event.target.name, by: "opening", message: event.target.message };
  if (event.kind !== "judged" || event.result.verdict !== "failed") return null;
  const { target, id, attempts } = event.result;
  return { target, by: id, message: attempts.at(-1)?.message ?? "" };
}

function verifyAll({ past, again }: TrialOptions, onBegun: Begun): TrialResult {
  const names = readdirSync(RECORDINGS_FOLDER, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(EXTENSION) && !past.includes(name) && (again === null || name === again.by),
  );
  for (const [ran, by] of names.entries()) {
    onBegun("verify", by);
    const message = untruth(join(RECORDINGS_FOLDER, by));
    if (message !== undefined) return { found: { target: "verify", by, message }, ran: ran + 1, flaky: [] };
  }
  return { found: null, ran: names.length, flaky: [] };
}

function untruth(path: string): string | undefined {
  try {
    return verifyRecording(readRecording(path)).wrong[0];
  } catch (error) {
    return errorMessage(error);
  }
}

/** All by one worker, for what it keeps of each is judged at the end. */
async function runVirtual({ scenarios, seed, again }: TrialOptions, onBegun: Begun): Promise<TrialResult> {
  const seeds = again?.seeds ?? { from: seed, count: scenarios };
  onBegun("virtual", seedWords(seeds));
  const stop = new AbortController();
  const onProgress = (_: number, failed: number) => {
    if (failed > 0) stop.abort();
  };
  const { failures, scenarios: ran } = await runScenarios({ ...seeds, workers: 1, signal: stop.signal, onProgress });
  const [first] = failures;
  return { found: first === undefined ? null : seedFinder(first, seeds), ran, flaky: [] };
}

/** A failure is of its seed, or of all together. */
function seedFinder({ seed, findings, rerun }: FailedSeed, all: Seeds): Finder {
  const seeds = rerun === rerunLine("usb", seed, WHOLE) ? { from: seed, count: 1 } : all;
  return { target: "virtual", by: seedWords(seeds), message: findings.join("; "), seeds };
}

function seedWords({ from, count }: Seeds): string {
  return count === 1 ? `seed ${from}` : `seeds ${from} to ${from + count - 1}`;
}
