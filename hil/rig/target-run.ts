/** One target's cases, one after the other: attempts, verdicts, and when to stop. */
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { systemClock } from "../../host/device/clock.ts";
import { type AttemptContext, patienceFor, type Tried, tryCase } from "./attempt.ts";
import type { TransportKind } from "./bench.ts";
import type { AnyCase, Case } from "./case.ts";
import { before } from "./deadline.ts";
import { type HiddenIds, hiddenOf } from "./hidden-id.ts";
import type { CaseResult, Verdict } from "./report.ts";
import type { RunOptions, TargetPlan } from "./runner.ts";
import { caseSeed } from "./seed.ts";
import type { Target } from "./target.ts";

const ATTEMPTS = 2;
/** A device that cannot be opened, or is not there, so often in a row is gone: its other cases would take for ever. */
const LOST_AFTER = 3;
/** Another device, or one that was waited for: to ask again is no use. */
const GONE_FOR_GOOD = new Set(["RIG_WRONG_DEVICE", "RIG_NO_REAL"]);

export class TargetRun {
  readonly #plan: TargetPlan;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  readonly #sinceMs: () => number;
  /** Cases in a row that could not be begun. */
  #unopened = 0;
  /** Attempts in a row after which the device was not there. */
  #absences = 0;
  /** Why nothing more is run on this target. */
  #over: string | null = null;

  constructor(plan: TargetPlan, options: RunOptions, sinceMs: () => number) {
    this.#plan = plan;
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
    this.#sinceMs = sinceMs;
  }

  get cases(): readonly AnyCase[] {
    return this.#options.cases;
  }

  async all<Kind extends TransportKind>(target: Target<Kind>, cases: readonly Case<Kind>[]): Promise<CaseResult[]> {
    const results: CaseResult[] = [];
    for (const one of cases) {
      const result = await this.#one(target, one);
      results.push(result);
      this.#options.onEvent?.({ kind: "judged", result });
    }
    return results;
  }

  async #one<Kind extends TransportKind>(target: Target<Kind>, one: Case<Kind>): Promise<CaseResult> {
    const covers = target.covers(one);
    if (!covers.runs) return this.#result(one, covers.verdict, covers.reason, []);
    if (this.#over !== null) return this.#result(one, "missing", this.#over, []);
    try {
      const tried = await this.#attempts(target, one);
      return this.#result(one, verdictOf(tried), null, tried);
    } catch (error) {
      if (!this.#signal.aborted) throw error;
      this.#over = "the run was interrupted";
      return this.#result(one, "missing", this.#over, []);
    }
  }

  async #attempts<Kind extends TransportKind>(target: Target<Kind>, one: Case<Kind>): Promise<Tried[]> {
    const seed = caseSeed(this.#options.seed, one.id);
    const context = {
      around: this.#options.around ?? {},
      patience: patienceFor(this.#plan.openMs, this.#options.patience),
      signal: this.#signal,
      sinceMs: this.#sinceMs,
    };
    const hidden = hiddenOf(target);
    const tried: Tried[] = [];
    for (let attempt = 1; attempt <= ATTEMPTS && this.#over === null; attempt++) {
      this.#options.onEvent?.({ kind: "begun", target: target.name, id: one.id, attempt });
      const now = withoutIds(await tryCase({ target, one, seed, attempt }, context), hidden);
      tried.push(now);
      if (now.lost === "target") this.#over = "the target was lost: its bench could not be closed";
      if (now.attempt.verdict === "passed") break;
      await this.#ask(target, context, hidden);
    }
    if (tried.at(-1)?.attempt.verdict === "passed") this.#absences = 0;
    this.#count(tried);
    return tried;
  }

  /** What failed may have failed for want of a device: then the other cases are not to fail one by one. */
  async #ask(target: Target, { patience, signal }: AttemptContext, hidden: HiddenIds | null): Promise<void> {
    if (target.present === undefined || this.#over !== null) return;
    const limits = [{ clock: systemClock, ms: patience.openMs }];
    try {
      await before(target.present(), "asking whether the device is still there", limits, signal);
      this.#absences = 0;
    } catch (error) {
      signal.throwIfAborted();
      this.#absences += 1;
      if (this.#absences < LOST_AFTER && !GONE_FOR_GOOD.has(errorCode(error))) return;
      this.#over = `the target was lost: ${hidden?.text(errorMessage(error)) ?? errorMessage(error)}`;
    }
  }

  #count(tried: readonly Tried[]): void {
    this.#unopened = tried.every(({ lost }) => lost === "bench") ? this.#unopened + 1 : 0;
    if (this.#unopened < LOST_AFTER) return;
    this.#over = `the target was lost: ${tried.at(-1)?.attempt.message ?? "it cannot be opened"}`;
  }

  #result(
    { id, title, level, spec }: AnyCase | Case,
    verdict: Verdict,
    reason: string | null,
    tried: readonly Tried[],
  ): CaseResult {
    const last = tried.at(-1);
    const { name, options = "" } = this.#plan;
    const line = `./hil/hil run --target ${name} --case ${id} --seed ${this.#options.seed} ${options}`;
    return {
      ...{ id, title, level, spec, target: name, verdict, reason },
      attempts: tried.map(({ attempt }) => attempt),
      latencies: last?.latencies ?? {},
      notes: last?.notes ?? [],
      rerun: line.trimEnd(),
    };
  }
}

function verdictOf(tried: readonly Tried[]): Verdict {
  if (tried.at(-1)?.attempt.verdict !== "passed") return "failed";
  return tried.length === 1 ? "passed" : "flaky";
}

/** What a report keeps of an attempt does not tell which device it was on. */
function withoutIds(tried: Tried, hidden: HiddenIds | null): Tried {
  if (hidden === null) return tried;
  const { message, last } = tried.attempt;
  const attempt = { ...tried.attempt, message: message && hidden.text(message), last: hidden.chunks(last) };
  return { ...tried, attempt, notes: tried.notes.map((note) => hidden.text(note)) };
}
