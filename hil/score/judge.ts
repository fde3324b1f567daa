/** What a score comes to. */
import { type Kind, kindOf, type Mutant, reachOf } from "./mutant.ts";
import type { Score, Scored } from "./score.ts";
import type { Finder } from "./trial.ts";

export const BAR = 0.95;

/** `found` with what found it · `missed` it ran and found nothing · `unreached` it does not run the code · `not-run`. */
export type Cell =
  | { readonly kind: "found"; readonly finder: Finder }
  | { readonly kind: "missed" | "unreached" | "not-run" };

export interface Judged {
  readonly planted: number;
  readonly killed: number;
  /** Share of those planted, whether what lives is explained or not. */
  readonly rate: number;
  /** Survivors that nobody explained, what could not be planted, controls that were found: each fails the score. */
  readonly problems: readonly string[];
  /** Told, and no failure. */
  readonly remarks: readonly string[];
}

/** Without the controls. */
export function defectsOf({ scored }: Pick<Score, "scored">): readonly Scored[] {
  return scored.filter(({ mutant }) => mutant.isControl !== true);
}

export function judge(score: Score): Judged {
  const { scored } = score;
  const defects = defectsOf(score);
  const killed = defects.filter(({ verdict }) => verdict === "killed").length;
  const planted = defects.length;
  return {
    planted,
    killed,
    rate: planted === 0 ? 1 : killed / planted,
    problems: scored.flatMap(problemOf),
    remarks: [
      ...scored.flatMap((one) => remarksOn(one, score.all)),
      ...score.leftOut.map(({ tier, why }) => `${tier} was left out: ${why}`),
    ],
  };
}

export function isGood({ problems, rate }: Judged): boolean {
  return problems.length === 0 && rate >= BAR;
}

function problemOf({ mutant, verdict, error, trials }: Scored): string[] {
  const { isControl = false } = mutant;
  switch (verdict) {
    case "killed":
      return isControl ? [`${mutant.id} was found, and is no defect: ${finderWords(trials)}`] : [];
    case "invalid":
      return [`${mutant.id} could not be tried: ${error}`];
    case "survived":
      return mutant.survives === undefined && !isControl ? [`${mutant.id} survived: ${mutant.what}`] : [];
  }
}

function finderWords(trials: Scored["trials"]): string {
  const found = trials.flatMap(({ trial }) => trial.found ?? []);
  return found.map(({ target, by, message }) => `${by} on ${target}: ${message}`).join("; ");
}

function remarksOn(one: Scored, all: boolean): string[] {
  const { mutant, verdict, trials } = one;
  const flaky = new Set(trials.flatMap(({ trial }) => trial.flaky));
  const doubted = trials.flatMap(({ trial }) => trial.doubted);
  return [
    ...(verdict === "killed" && mutant.survives !== undefined
      ? [`${mutant.id} was killed, though it is said to survive`]
      : []),
    ...doubted.map((by) => `${mutant.id}: ${by} fails without the defect as well, and does not count`),
    ...(flaky.size > 0 ? [`${mutant.id} made ${[...flaky].join(", ")} flaky`] : []),
    ...(all
      ? mutant.expected
          .filter((kind) => cellOf(one, kind).kind === "missed")
          .map((kind) => `${mutant.id} was expected to be found by ${kind}`)
      : []),
  ];
}

/** What one kind of target made of it. */
export function cellOf({ mutant, trials }: Pick<Scored, "mutant" | "trials">, kind: Kind): Cell {
  const own = trials.filter(({ tier }) => kindOf(tier) === kind);
  for (const { trial } of own) if (trial.found !== null) return { kind: "found", finder: trial.found };
  if (own.length > 0) return { kind: "missed" };
  return { kind: reachesKind(mutant, kind) ? "not-run" : "unreached" };
}

function reachesKind(mutant: Mutant, kind: Kind): boolean {
  return reachOf(mutant).some((tier) => kindOf(tier) === kind);
}
