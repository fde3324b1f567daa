/** One tier of the rig, run inside a copy of the checkout until something is found. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../../host/base/error.ts";
import { ALL_CASES } from "../cli/cases.ts";
import { planTargets } from "../cli/targets.ts";
import { EXTENSION, RECORDINGS_FOLDER, readRecording } from "../recording/files.ts";
import { verifyRecording } from "../recording/verify.ts";
import type { AnyCase } from "../rig/case.ts";
import { type RunEvent, runCases } from "../rig/runner.ts";
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
}

/** What found the defect. */
export interface Finder {
  /** A target's name; `verify`, `virtual`. */
  readonly target: string;
  /** A case's id, a recording's name or a seed; `opening` where the target itself could not be opened. */
  readonly by: string;
  readonly message: string;
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
      return verifyAll(onBegun);
    case "virtual":
      return runVirtual(options, onBegun);
    default:
      return runTargets(options, onBegun);
  }
}

/** One miner that refuses nothing, and one that trips over everything. */
const STRATUM_MODELS = "model-stratum-stock,model-stratum-oldest";

async function runTargets(options: TrialOptions, onBegun: Begun): Promise<TrialResult> {
  const { tier, hint, seed, hintOnly } = options;
  const target = tier === "model-stratum" ? STRATUM_MODELS : tier === "replay-lv06" ? "replay-lv06-shares" : tier;
  const { plans } = planTargets({ target }, {}, { onWords: () => {} });
  const [first] = plans;
  const usable = ALL_CASES.filter(({ transport }) => transport === first?.transport);
  const cases = hinted(usable, hint, hintOnly);
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
  await runCases({ cases, targets: plans, seed, environment: {}, signal: stop.signal, onEvent });
  return { found, ran, flaky };
}

function hinted(cases: readonly AnyCase[], hint: readonly string[], only: boolean): AnyCase[] {
  const firsts = hint.flatMap((id) => cases.find((one) => one.id === id) ?? []);
  return only ? firsts : [...firsts, ...cases.filter((one) => !firsts.includes(one))];
}

function finderOf(event: RunEvent): Finder | null {
  if (event.kind === "absent") return { target: event.target.name, by: "opening", message: event.target.message };
  if (event.kind !== "judged" || event.result.verdict !== "failed") return null;
  const { target, id, attempts } = event.result;
  return { target, by: id, message: attempts.at(-1)?.message ?? "" };
}

function verifyAll(onBegun: Begun): TrialResult {
  const names = readdirSync(RECORDINGS_FOLDER, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(EXTENSION),
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

const AT_ONCE = 100;

async function runVirtual({ scenarios, seed }: TrialOptions, onBegun: Begun): Promise<TrialResult> {
  for (let ran = 0; ran < scenarios; ran += AT_ONCE) {
    onBegun("virtual", `seeds from ${seed + ran}`);
    const { failures } = await runScenarios({ from: seed + ran, count: AT_ONCE, workers: 1 });
    const [first] = failures;
    if (first === undefined) continue;
    const found = { target: "virtual", by: `seed ${first.seed}`, message: first.findings.join("; ") };
    return { found, ran: ran + AT_ONCE, flaky: [] };
  }
  return { found: null, ran: scenarios, flaky: [] };
}
