/** The virtual-time tier as a part of a run. */
import { availableParallelism } from "node:os";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { missingWasmTools } from "../../host/device/testing/firmware.ts";
import type { TransportKind } from "../rig/bench.ts";
import type { RunProblem, RunReport, VirtualTally } from "../rig/report.ts";
import { CorePool } from "../virtual/cores.ts";
import { runScenarios, type TierReport } from "../virtual/tier.ts";

/** Seeds are whole numbers; those of one run lie side by side. */
const SEED_END = 2 ** 31;
/** It is there to find defects, not to make a run long. */
const MOST_SECONDS = { usb: 45, stratum: 15 } as const;
const MOST_WORKERS = 4;
/** Failures that a report tells in full: more are no help. */
const SHOWN = 10;
const TOLD_EVERY = 500;
/** What the Makefile's `hil` installs where it may. */
const INSTALL = "sudo apt-get install --no-install-recommends clang lld";

export const WORKERS = Math.min(MOST_WORKERS, availableParallelism());

export interface VirtualOptions {
  readonly seed: number;
  /** How many of each. */
  readonly scenarios: Readonly<Record<TransportKind, number>>;
  /** What cannot be played fails. */
  readonly strict: boolean;
  readonly onProgress: (words: string) => void;
  readonly signal: AbortSignal;
}

/** The run with its virtual tier, whatever becomes of it. @param lacking why the C core cannot be built here */
export async function andVirtual(ran: RunReport, options: VirtualOptions, lacking = whyNot): Promise<RunReport> {
  const leftOut = options.scenarios.usb > 0 ? await lacking() : undefined;
  let report = leftOut === undefined ? ran : withoutUsb(ran, leftOut, options.strict);
  for (const transport of ["usb", "stratum"] as const) {
    if (options.scenarios[transport] === 0 || (transport === "usb" && leftOut !== undefined)) continue;
    report = await andOne(report, transport, options);
  }
  return report;
}

/** Without a compiler, and without what it once made, the C core cannot be played: that is no defect of it. */
async function whyNot(): Promise<string | undefined> {
  if (missingWasmTools.length === 0) return undefined;
  try {
    await CorePool.build();
    return undefined;
  } catch {
    return `There is no ${missingWasmTools.join(", no ")} to build the C core for WebAssembly: ${INSTALL}`;
  }
}

function withoutUsb(report: RunReport, virtualLeftOut: string, strict: boolean): RunReport {
  const problem = { code: "RIG_STRICT", message: "Virtual time was left out, and --strict was given." };
  return { ...report, virtualLeftOut, problems: strict ? [...report.problems, problem] : report.problems };
}

async function andOne(report: RunReport, transport: TransportKind, options: VirtualOptions): Promise<RunReport> {
  const { seed, scenarios, onProgress, signal } = options;
  const count = scenarios[transport];
  try {
    const tier = await runScenarios({
      ...{ transport, count, signal, from: seed % SEED_END, seconds: MOST_SECONDS[transport], workers: WORKERS },
      onProgress: (done, failed) => {
        if (done % TOLD_EVERY === 0) onProgress(`virtual time: ${done} of ${count} scenarios, ${failed} failed`);
      },
    });
    return withTier(report, tier, signal.aborted);
  } catch (error) {
    const problem = { code: errorCode(error), message: `virtual time, ${transport}: ${errorMessage(error)}` };
    return { ...report, problems: [...report.problems, problem] };
  }
}

/** A scenario that failed fails the run, and so does a tier without scenarios. */
function withTier(report: RunReport, tier: TierReport, interrupted: boolean): RunReport {
  return {
    ...report,
    durationMs: report.durationMs + tier.seconds * 1000,
    problems: [...report.problems, ...(interrupted ? interruption(report) : problemsOf(tier))],
    virtual: [...(report.virtual ?? []), tallyOf(tier)],
  };
}

function interruption({ problems }: RunReport): readonly RunProblem[] {
  const code = "RIG_INTERRUPTED";
  if (problems.some((problem) => problem.code === code)) return [];
  return [{ code, message: "The run was interrupted: scenarios under virtual time are missing." }];
}

export function problemsOf({ transport, scenarios, asked, failures }: TierReport): readonly RunProblem[] {
  const [first] = failures;
  const problem = (what: string) => [{ code: "RIG_VIRTUAL", message: `virtual time, ${transport}: ${what}` }];
  if (first !== undefined) {
    return problem(
      `${failures.length} of ${scenarios} scenarios failed, seed ${first.seed} first: ${first.findings.join("; ")}`,
    );
  }
  return scenarios > 0 ? [] : problem(`none of ${asked} scenarios was played in its time`);
}

export function tallyOf({
  transport,
  from,
  asked,
  scenarios,
  seconds,
  fired,
  failures,
  ...tier
}: TierReport): VirtualTally {
  return {
    ...{ transport, fromSeed: from, asked, scenarios, seconds },
    counts: countsOf(transport, tier),
    faults: fired,
    failed: failures.length,
    failures: failures.slice(0, SHOWN),
  };
}

function countsOf(
  transport: TransportKind,
  { sums, caught }: Pick<TierReport, "sums" | "caught">,
): Record<string, number> {
  const of = (name: string) => sums[name] ?? 0;
  if (transport === "stratum") {
    return { "shares accepted": of("shares"), "damaged or forged ones refused": of("refused"), proofs: of("proofs") };
  }
  const lies = Object.values(caught).reduce((sum, count) => sum + count, 0);
  return { calls: of("calls"), answered: of("answered"), "wrong answers found": lies };
}
