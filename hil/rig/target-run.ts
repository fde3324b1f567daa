/** One target's cases, one after the other: attempts, verdicts, and when to stop. */
import { PATIENCE, type Tried, tryCase } from "./attempt.ts";
import type { TransportKind } from "./bench.ts";
import type { AnyCase, Case } from "./case.ts";
import type { CaseResult, Verdict } from "./report.ts";
import type { RunOptions, TargetPlan } from "./runner.ts";
import { caseSeed } from "./seed.ts";
import type { Target } from "./target.ts";

const ATTEMPTS = 2;
/** A device that cannot be opened so often in a row is gone: what is left of its cases would take for ever. */
const LOST_AFTER = 3;

export class TargetRun {
  readonly #plan: TargetPlan;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  readonly #sinceMs: () => number;
  /** Cases in a row that could not be begun. */
  #unopened = 0;
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
      patience: this.#options.patience ?? PATIENCE,
      signal: this.#signal,
      sinceMs: this.#sinceMs,
    };
    const tried: Tried[] = [];
    for (let attempt = 1; attempt <= ATTEMPTS && this.#over === null; attempt++) {
      this.#options.onEvent?.({ kind: "begun", target: target.name, id: one.id, attempt });
      const now = await tryCase({ target, one, seed, attempt }, context);
      tried.push(now);
      if (now.lost === "target") this.#over = "the target was lost: its bench could not be closed";
      if (now.attempt.verdict === "passed") break;
    }
    this.#count(tried);
    return tried;
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
