/** What a run was and what came of it: data, from which every report is made. */
import type { Identity, TargetKind, TransportKind } from "./bench.ts";
import type { Level } from "./case.ts";

/**
 * `flaky` passed only at the second attempt · `not-applicable` the device lacks what the case needs, or the target cannot
 * do it · `missing` it applies and could not be run (no recording, no device).
 */
export const VERDICTS = ["passed", "failed", "flaky", "not-applicable", "missing"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A chunk as it went over the line. */
export interface Passed {
  /** µs since the case began, on the case's clock. */
  readonly atUs: number;
  /** From the host's side. */
  readonly direction: "write" | "read";
  readonly bytes: Uint8Array;
}

export interface Attempt {
  readonly verdict: "passed" | "failed";
  /** A stable code, where what was thrown has one. */
  readonly code: string | null;
  readonly message: string | null;
  /** Since the run began, like `durationMs` on the wall's clock, with opening and closing of the bench. */
  readonly startedMs: number;
  readonly durationMs: number;
  /** Of a failure: the last 100. */
  readonly last: readonly Passed[];
}

export interface TargetInfo {
  readonly name: string;
  readonly kind: TargetKind;
  readonly transport: TransportKind;
  readonly identity: Omit<Identity, "capabilities"> & { readonly capabilities: readonly string[] };
}

export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly spec: readonly string[];
  /** `TargetInfo.name`. */
  readonly target: string;
  readonly verdict: Verdict;
  /** Why it does not apply, or is missing. */
  readonly reason: string | null;
  readonly attempts: readonly Attempt[];
  /** Name → measured, in ms. */
  readonly latencies: Readonly<Record<string, readonly number[]>>;
  /** What a reader must know of where this came from, such as `framing reconstructed`. */
  readonly notes: readonly string[];
  /** Of the run that it is from, where that is another than the report's: a soak has many. */
  readonly seed?: number;
  /** One line that runs this case alone, with the same seed. */
  readonly rerun: string;
}

/** A target that was asked for and is not there, or must not be used. */
export interface AbsentTarget {
  readonly name: string;
  readonly kind: TargetKind;
  readonly transport: TransportKind;
  readonly code: string;
  readonly message: string;
}

/** What the virtual-time tier came to: scenarios of faults drawn from seeds, judged by what must always hold. Simulated. */
export interface VirtualTally {
  readonly transport: TransportKind;
  readonly fromSeed: number;
  /** Fewer than `asked` where the time was up. */
  readonly scenarios: number;
  readonly asked: number;
  readonly seconds: number;
  /** What was done in them, by what it is called, such as calls and lies that the host found. */
  readonly counts: Readonly<Record<string, number>>;
  /** Kind of fault → how often. */
  readonly faults: Readonly<Record<string, number>>;
  readonly failed: number;
  /** The first ones. */
  readonly failures: readonly { readonly seed: number; readonly findings: readonly string[]; readonly rerun: string }[];
}

/** Why a run fails though no case did: nothing ran, a target that must be there is not, Ctrl-C. */
export interface RunProblem {
  readonly code: string;
  readonly message: string;
}

export interface RunReport {
  readonly version: 1;
  readonly seed: number;
  readonly startedUtcMs: number;
  readonly durationMs: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly targets: readonly TargetInfo[];
  readonly absent: readonly AbsentTarget[];
  readonly results: readonly CaseResult[];
  readonly problems: readonly RunProblem[];
  readonly virtual?: readonly VirtualTally[];
  /** Why some of the virtual-time tier was not played, and what would help. */
  readonly virtualLeftOut?: string;
  /** Cases were chosen: what held says nothing of the whole. */
  readonly partial?: true;
}
