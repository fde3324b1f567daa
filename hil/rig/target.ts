/** A target: something cases can be run against, one bench a case. */
import type { BenchOf, Identity, TargetKind, TransportKind } from "./bench.ts";
import type { Case } from "./case.ts";
import type { Passed } from "./report.ts";

/** One case's bench, and what the rig wants from it besides. */
export interface BenchFor<Kind extends TransportKind> {
  readonly bench: BenchOf[Kind];
  /** What went over the line so far; bounded, the oldest go first. */
  last(): readonly Passed[];
  latencies(): Readonly<Record<string, readonly number[]>>;
  /** What a reader of the verdict must know, such as `framing reconstructed`; absent where there is nothing. */
  notes?(): readonly string[];
  /**
   * Ends it, and says what must not have been: a recording that was not used up, a device that did not come back.
   *
   * @throws RigError
   */
  close(): Promise<void>;
}

/** Of a serial port; nothing that tells which device it is. */
export interface PortFacts {
  /** USB, 4 lower-case hex digits each. */
  readonly vendorId?: string;
  readonly productId?: string;
  /** The chip between USB and UART, where it is a known one. */
  readonly bridge?: string;
  /** The rate that it is opened at. */
  readonly baud?: number;
}

export interface Target<Kind extends TransportKind = TransportKind> {
  readonly name: string;
  readonly kind: TargetKind;
  readonly transport: Kind;
  readonly identity: Identity;
  /** What its serial port is, as far as that is known. */
  readonly port?: PortFacts;
  /** Whether this case can be run here, and why not. */
  covers(
    one: Case<Kind>,
  ):
    | { readonly runs: true }
    | { readonly runs: false; readonly verdict: "not-applicable" | "missing"; readonly reason: string };
  /**
   * Asked after a failure, with no bench open: whether the device still answers, and is the same one. Absent where nothing
   * can go away.
   *
   * @throws why it does not; RigError RIG_WRONG_DEVICE or RIG_NO_REAL where there is no use in asking again
   */
  present?(): Promise<void>;
  /** A fresh bench: nothing of the case before is left. @throws RigError */
  open(one: Case<Kind>, seed: number): Promise<BenchFor<Kind>>;
  close(): Promise<void>;
}

export type AnyTarget = Target<"usb"> | Target<"stratum">;
