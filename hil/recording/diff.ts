/** What is different between two recordings, or between two runs. Nothing is judged: a person reads it. */
import type { RunReport, Verdict } from "../rig/report.ts";
import type { Header, Recording } from "./format.ts";
import { differenceOf, type Estimate, type Latencies, latenciesOf } from "./quantiles.ts";
import { type Answered, type Talk, talkOf } from "./talk.ts";

/** Of one name, in both. The difference is of the medians, `b` over `a`; null where one of them has none. */
export interface LatencyDifference {
  readonly name: string;
  readonly a: Latencies | null;
  readonly b: Latencies | null;
  readonly median: Estimate | null;
}

export interface Pair<T> {
  readonly a: T;
  readonly b: T;
}

export interface RecordingDifference {
  /** Fields of the header that differ, with their values as JSON. */
  readonly header: Readonly<Record<string, Pair<string>>>;
  readonly verdict: Pair<string>;
  readonly answers: {
    readonly same: number;
    readonly different: number;
    /** The first of them. */
    readonly shown: readonly (Pair<string> & { readonly question: string })[];
    /** Questions that only one of them asked. */
    readonly only: Pair<number>;
  };
  readonly unasked: Readonly<Record<string, Pair<number>>>;
  /** In µs. */
  readonly latencies: readonly LatencyDifference[];
  readonly perSecond: Pair<Throughput>;
}

export interface Throughput {
  readonly written: number;
  readonly read: number;
  readonly answers: number;
}

const SHOWN = 10;
const SHOWN_CHARS = 200;
const US_PER_S = 1_000_000;
/** What no two recordings have in common. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["startedUtcMs"]);

export function diffRecordings(a: Recording, b: Recording, seed = 1): RecordingDifference {
  const [ours, theirs] = [talkOf(a), talkOf(b)];
  return {
    header: headerDifference(a.header, b.header),
    verdict: { a: a.end.verdict, b: b.end.verdict },
    answers: answersDifference(ours.answered, theirs.answered),
    unasked: countsDifference(ours.unasked, theirs.unasked),
    latencies: latencyDifferences(byName(ours), byName(theirs), seed),
    perSecond: { a: throughputOf(a, ours), b: throughputOf(b, theirs) },
  };
}

export interface RunDifference {
  /** Cases, with their targets, whose verdicts differ; null where a run has no such. */
  readonly verdicts: readonly (Pair<Verdict | null> & { readonly id: string; readonly target: string })[];
  /** In ms, by target, case and name. */
  readonly latencies: readonly LatencyDifference[];
}

export function diffRuns(a: RunReport, b: RunReport, seed = 1): RunDifference {
  const [ours, theirs] = [verdictsOf(a), verdictsOf(b)];
  const verdicts = keysOf(ours, theirs).flatMap((key) => {
    const [one, other] = [ours.get(key), theirs.get(key)];
    const { id = "", target = "" } = one ?? other ?? {};
    return one?.verdict === other?.verdict ? [] : [{ id, target, a: one?.verdict ?? null, b: other?.verdict ?? null }];
  });
  return { verdicts, latencies: latencyDifferences(measuredIn(a), measuredIn(b), seed) };
}

function verdictsOf({ results }: RunReport) {
  return new Map(results.map(({ id, target, verdict }) => [`${target} ${id}`, { id, target, verdict }]));
}

function measuredIn({ results }: RunReport): Map<string, readonly number[]> {
  const all = results.flatMap(({ id, target, latencies }) =>
    Object.entries(latencies).map(([name, samples]) => [`${target} ${id} ${name}`, samples] as const),
  );
  return new Map(all);
}

function headerDifference(a: Header, b: Header): Record<string, Pair<string>> {
  const [ours, theirs] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  const json = (value: unknown) => JSON.stringify(value ?? null);
  const pairs = keysOf(ours, theirs).map((key) => [key, { a: json(ours.get(key)), b: json(theirs.get(key)) }] as const);
  return Object.fromEntries(pairs.filter(([key, pair]) => pair.a !== pair.b && !OWN_FIELDS.has(key)));
}

/** The n-th time that a question was asked here is held against the n-th time that it was asked there. */
function answersDifference(a: readonly Answered[], b: readonly Answered[]): RecordingDifference["answers"] {
  const left = new Map<string, Answered[]>();
  for (const one of b) left.set(one.question, [...(left.get(one.question) ?? []), one]);
  const different: (Pair<string> & { question: string })[] = [];
  let both = 0;
  for (const { question, answer } of a) {
    const other = left.get(question)?.shift();
    if (other === undefined) continue;
    both += 1;
    if (other.answer !== answer) different.push({ question: cut(question), a: cut(answer), b: cut(other.answer) });
  }
  return {
    same: both - different.length,
    different: different.length,
    shown: different.slice(0, SHOWN),
    only: { a: a.length - both, b: b.length - both },
  };
}

function countsDifference(a: Talk["unasked"], b: Talk["unasked"]): Record<string, Pair<number>> {
  const pairs = [...new Set([...Object.keys(a), ...Object.keys(b)])].map(
    (key) => [key, { a: a[key] ?? 0, b: b[key] ?? 0 }] as const,
  );
  return Object.fromEntries(pairs.filter(([, pair]) => pair.a !== pair.b));
}

function byName({ answered }: Talk): Map<string, readonly number[]> {
  const groups = Map.groupBy(answered, ({ name }) => name);
  return new Map([...groups].map(([name, all]) => [name, all.map(({ tookUs }) => tookUs)]));
}

function latencyDifferences(
  a: ReadonlyMap<string, readonly number[]>,
  b: ReadonlyMap<string, readonly number[]>,
  seed: number,
): LatencyDifference[] {
  return keysOf(a, b).map((name) => {
    const [ours, theirs] = [a.get(name) ?? [], b.get(name) ?? []];
    const median = ours.length > 0 && theirs.length > 0 ? differenceOf(ours, theirs, "p50", seed) : null;
    return { name, a: latenciesOf(ours, seed) ?? null, b: latenciesOf(theirs, seed) ?? null, median };
  });
}

function throughputOf({ end }: Recording, { answered }: Talk): Throughput {
  const seconds = Math.max(end.durationUs, 1) / US_PER_S;
  return { written: end.w.bytes / seconds, read: end.r.bytes / seconds, answers: answered.length / seconds };
}

function keysOf(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].sort();
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}
