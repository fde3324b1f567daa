/** One attempt at one case: a fresh bench, the case under its deadline, and an orderly end whatever happens. */
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { type Clock, systemClock } from "../../host/device/clock.ts";
import type { TransportKind } from "./bench.ts";
import { type Case, CaseFailure } from "./case.ts";
import { before } from "./deadline.ts";
import type { Attempt } from "./report.ts";
import type { BenchFor, Target } from "./target.ts";

export const CASE_DEADLINE_MS = 30_000;
/** How many chunks are kept of a failure. */
export const LAST_KEPT = 100;
/** A case waits on its bench's clock; a case that waits on nothing, or on a clock that nobody turns, ends by this one. */
const GRACE_MS = 5_000;

/** Where an attempt stands in its run. */
export interface AttemptOf<Kind extends TransportKind> {
  readonly target: Target<Kind>;
  readonly one: Case<Kind>;
  readonly seed: number;
  /** From 1. */
  readonly attempt: number;
}

export interface Around {
  /** Stands between the case and its bench, such as a recorder. */
  wrap?<Kind extends TransportKind>(opened: BenchFor<Kind>, of: AttemptOf<Kind>): BenchFor<Kind>;
  /** After the bench was closed. */
  ended?<Kind extends TransportKind>(of: AttemptOf<Kind>, attempt: Attempt): Promise<void>;
}

/** The first one stands next to the target, the last one next to the case. */
export function together(...arounds: readonly Around[]): Around {
  return {
    wrap: (opened, of) => arounds.reduce((inner, { wrap }) => wrap?.(inner, of) ?? inner, opened),
    ended: async (of, attempt) => {
      for (const around of arounds) await around.ended?.(of, attempt);
    },
  };
}

/** How long opening and closing may take, in ms. */
export interface Patience {
  readonly openMs: number;
  readonly closeMs: number;
}

export const PATIENCE: Patience = { openMs: 60_000, closeMs: 15_000 };

/** @param openMs what one target needs, where that is longer */
export function patienceFor(openMs = 0, patience = PATIENCE): Patience {
  return { ...patience, openMs: Math.max(patience.openMs, openMs) };
}

export interface AttemptContext {
  readonly around: Around;
  readonly patience: Patience;
  readonly signal: AbortSignal;
  /** ms since the run began. */
  readonly sinceMs: () => number;
}

export interface Tried {
  readonly attempt: Attempt;
  readonly latencies: Readonly<Record<string, readonly number[]>>;
  readonly notes: readonly string[];
  /** `bench` the case was not begun · `target` the bench cannot be closed, so nothing else may use the device. */
  readonly lost: "bench" | "target" | null;
}

/** @throws the signal's reason, once the bench is closed */
export async function tryCase<Kind extends TransportKind>(
  of: AttemptOf<Kind>,
  context: AttemptContext,
): Promise<Tried> {
  const startedMs = context.sinceMs();
  const opened = await openBench(of, context);
  context.signal.throwIfAborted();
  if (!opened.ok)
    return triedOf(opened.error, { startedMs, durationMs: context.sinceMs() - startedMs }, NOTHING, "bench");
  const { bench } = opened;
  const failure = await runCase(of.one, bench, context.signal);
  const seen = {
    last: bench.last(),
    latencies: bench.latencies(),
    notes: bench.notes?.() ?? [],
  };
  const closing = before(bench.close(), "closing the bench", [wall(context.patience.closeMs)]);
  const end = await caught(closing);
  context.signal.throwIfAborted();
  // Another case must not begin on a device that this one may still use.
  const lost = end !== undefined && errorCode(end) === "RIG_DEADLINE" ? "target" : null;
  const tried = triedOf(failure ?? end, { startedMs, durationMs: context.sinceMs() - startedMs }, seen, lost);
  await context.around.ended?.(of, tried.attempt);
  return tried;
}

type Seen = Pick<Tried, "latencies" | "notes"> & Pick<Attempt, "last">;

const NOTHING: Seen = { last: [], latencies: {}, notes: [] };

function triedOf(
  failure: unknown,
  when: Pick<Attempt, "startedMs" | "durationMs">,
  { last, latencies, notes }: Seen,
  lost: Tried["lost"],
): Tried {
  const kept = failure === undefined ? [] : last.slice(-LAST_KEPT);
  return { attempt: { ...wordsOf(failure), ...when, last: kept }, latencies, notes, lost };
}

type Opened<Kind extends TransportKind> =
  | { readonly ok: true; readonly bench: BenchFor<Kind> }
  | { readonly ok: false; readonly error: unknown };

async function openBench<Kind extends TransportKind>(
  of: AttemptOf<Kind>,
  context: AttemptContext,
): Promise<Opened<Kind>> {
  const { around, patience, signal } = context;
  const opening = of.target.open(of.one, of.seed);
  try {
    const opened = await before(opening, "opening the bench", [wall(patience.openMs)], signal);
    return { ok: true, bench: around.wrap?.(opened, of) ?? opened };
  } catch (error) {
    // What opens too late is closed again.
    opening.then((late) => late.close()).catch(() => {});
    return { ok: false, error };
  }
}

function runCase<Kind extends TransportKind>(one: Case<Kind>, { bench }: BenchFor<Kind>, signal: AbortSignal) {
  const ms = one.deadlineMs ?? CASE_DEADLINE_MS;
  const limits = [{ clock: bench.clock, ms }, wall(ms + GRACE_MS)];
  return caught(
    before(
      Promise.resolve().then(() => one.run(bench)),
      `the case ${one.id}`,
      limits,
      signal,
    ),
  );
}

function wall(ms: number): { clock: Clock; ms: number } {
  return { clock: systemClock, ms };
}

/** What `work` throws; undefined if nothing. */
async function caught(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error ?? new Error("something was thrown that is nothing");
  }
}

function wordsOf(failure: unknown): Pick<Attempt, "verdict" | "code" | "message"> {
  if (failure === undefined) return { verdict: "passed", code: null, message: null };
  if (failure instanceof CaseFailure) return { verdict: "failed", code: null, message: failure.message };
  const code = errorCode(failure);
  const name = code === "INTERNAL" && failure instanceof Error ? `${failure.name}: ` : "";
  return { verdict: "failed", code, message: `${name}${errorMessage(failure)}` };
}
