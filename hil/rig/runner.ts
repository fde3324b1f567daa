/**
 * Runs cases on targets and says what came of it. Lanes run side by side, within a lane one target after the other, and
 * on a target strictly one case at a time. A failure is tried once more on a fresh bench: what passes then is `flaky`.
 */
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { systemClock } from "../../host/device/clock.ts";
import { type Around, PATIENCE, type Patience, patienceFor } from "./attempt.ts";
import type { TargetKind, TransportKind } from "./bench.ts";
import type { AnyCase, Case } from "./case.ts";
import { before } from "./deadline.ts";
import { hiddenOf, redactedId } from "./hidden-id.ts";
import type { AbsentTarget, CaseResult, RunReport, TargetInfo } from "./report.ts";
import type { AnyTarget } from "./target.ts";
import { TargetRun } from "./target-run.ts";
import { type Demands, problemsOf } from "./verdict.ts";

/** A target that was asked for; whether it is there, `open` finds out. */
export interface TargetPlan {
  readonly name: string;
  readonly kind: TargetKind;
  readonly transport: TransportKind;
  /** Plans that share a device share a lane. */
  readonly lane: string;
  /** What a line that runs one case of it again needs besides, such as `--port /dev/ttyACM0`. */
  readonly options?: string;
  /** How long it may take to be there, at first and for every case, where that is longer than usual. */
  readonly openMs?: number;
  open(): Promise<AnyTarget>;
}

export type RunEvent =
  | { readonly kind: "opened"; readonly target: TargetInfo }
  | { readonly kind: "absent"; readonly target: AbsentTarget }
  | { readonly kind: "begun"; readonly target: string; readonly id: string; readonly attempt: number }
  | { readonly kind: "judged"; readonly result: CaseResult };

export interface RunOptions extends Demands {
  readonly cases: readonly AnyCase[];
  readonly targets: readonly TargetPlan[];
  readonly seed: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly around?: Around;
  readonly patience?: Patience;
  readonly onEvent?: (event: RunEvent) => void;
}

interface Outcome {
  readonly targets: TargetInfo[];
  readonly absent: AbsentTarget[];
  readonly results: CaseResult[];
}

/** Never throws for what a case, a bench or a target does. */
export async function runCases(options: RunOptions): Promise<RunReport> {
  const [startedUtcMs, startMs] = [Date.now(), systemClock.nowMs()];
  const sinceMs = () => systemClock.nowMs() - startMs;
  const lanes = Map.groupBy(options.targets, ({ lane }) => lane);
  const outcomes = await Promise.all([...lanes.values()].map((plans) => runLane(plans, options, sinceMs)));
  const order = new Map(options.targets.map(({ name }, index) => [name, index]));
  const byPlan = (a: string, b: string) => (order.get(a) ?? 0) - (order.get(b) ?? 0);
  const outcome = {
    targets: outcomes.flatMap(({ targets }) => targets).sort((a, b) => byPlan(a.name, b.name)),
    absent: outcomes.flatMap(({ absent }) => absent).sort((a, b) => byPlan(a.name, b.name)),
    results: outcomes.flatMap(({ results }) => results).sort((a, b) => byPlan(a.target, b.target)),
  };
  return {
    version: 1,
    seed: options.seed,
    startedUtcMs,
    durationMs: sinceMs(),
    environment: options.environment,
    ...outcome,
    problems: problemsOf(outcome, options),
  };
}

async function runLane(plans: readonly TargetPlan[], options: RunOptions, sinceMs: () => number): Promise<Outcome> {
  const outcome: Outcome = { targets: [], absent: [], results: [] };
  for (const plan of plans) {
    const opened = await openTarget(plan, options);
    if ("absent" in opened) {
      outcome.absent.push(opened.absent);
      options.onEvent?.({ kind: "absent", target: opened.absent });
      continue;
    }
    const info = infoOf(opened.target);
    outcome.targets.push(info);
    options.onEvent?.({ kind: "opened", target: info });
    outcome.results.push(...(await runTarget(opened.target, new TargetRun(plan, options, sinceMs))));
    await before(opened.target.close(), "", [{ clock: systemClock, ms: (options.patience ?? PATIENCE).closeMs }]).catch(
      () => {},
    );
  }
  return outcome;
}

async function openTarget(
  plan: TargetPlan,
  options: RunOptions,
): Promise<{ readonly target: AnyTarget } | { readonly absent: AbsentTarget }> {
  const { name, kind, transport } = plan;
  const deadlines = [{ clock: systemClock, ms: patienceFor(plan.openMs, options.patience).openMs }];
  const opening = Promise.resolve().then(() => plan.open());
  try {
    return { target: await before(opening, `opening ${name}`, deadlines, options.signal) };
  } catch (error) {
    opening.then((late) => late.close()).catch(() => {});
    return { absent: { name, kind, transport, code: errorCode(error), message: errorMessage(error) } };
  }
}

function infoOf({ name, kind, transport, identity }: AnyTarget): TargetInfo {
  const id = hiddenOf({ kind, identity }) === null ? identity.id : redactedId(identity.id);
  return { name, kind, transport, identity: { ...identity, id, capabilities: [...identity.capabilities] } };
}

function runTarget(target: AnyTarget, run: TargetRun): Promise<CaseResult[]> {
  return target.transport === "usb" ? run.all(target, usbOf(run.cases)) : run.all(target, stratumOf(run.cases));
}

function usbOf(cases: readonly AnyCase[]): Case<"usb">[] {
  return cases.filter((one) => one.transport === "usb");
}

function stratumOf(cases: readonly AnyCase[]): Case<"stratum">[] {
  return cases.filter((one) => one.transport === "stratum");
}
