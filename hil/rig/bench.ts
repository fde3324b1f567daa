/**
 * What a case sees of a target: a line to a device, a clock, and what can be done to the device. The same case runs on a
 * model, a recording and a real device; what a target cannot do, its `can` does not hold.
 */
import type { Clock } from "../../host/device/clock.ts";
import type { Capability } from "../../host/device/device.ts";
import type { BridgeOptions, StratumBridge } from "../../host/device/stratum/bridge.ts";
import type { Transport } from "../../host/device/transport.ts";
import type { Dialogue, StratumTap, TapTime } from "./dialogue.ts";

export type TransportKind = "usb" | "stratum";
export type TargetKind = "model" | "replay" | "real";

/**
 * `restart` power-cycles the device · `crash` has its firmware crash · `replug` pulls the plug and puts it back under
 * another name · `faults` the line can be made to damage what it carries · `rate` the line has a rate that both sides
 * must agree on · `exhausts` a search without a mask is soon out of nonces · `work-scale` work proofs come at difficulties that a CPU can find · `hash-power` it has the hash rate of
 * a real miner · `recorded-jobs` the jobs that its shares belong to were given out long ago (`StratumBench.jobs`).
 */
export const ABILITIES = [
  "restart",
  "crash",
  "replug",
  "faults",
  "rate",
  "exhausts",
  "work-scale",
  "hash-power",
  "recorded-jobs",
] as const;
export type Ability = (typeof ABILITIES)[number];

/** The device, as far as it has said who it is. */
export interface Identity {
  /** As HELLO or the worker's name says it, redacted in what is kept. */
  readonly id: string;
  readonly firmware: string;
  /** True for every model and every recording of one: never passed off as hardware. */
  readonly simulated: boolean;
  readonly capabilities: ReadonlySet<Capability>;
}

/** What a recording says besides what passed: where the case was, and what was done to the line. */
export type BenchNote = { readonly mark: string } | { readonly fault: string };

interface BenchBase {
  readonly target: TargetKind;
  /** Real, or turned by the bench: a case waits on this one only. */
  readonly clock: Clock;
  /** The time of day, in ms since 1970; of a recording, the recording's. */
  readonly utcMs: () => number;
  /** Uniform in [0, 1); seeded. */
  readonly random: () => number;
  readonly can: ReadonlySet<Ability>;
  /** @throws RigError RIG_CANNOT where the target cannot */
  act(ability: "restart" | "crash" | "replug"): Promise<void>;
  /** Waits for `work` under this bench's clock; every wait of a case goes through here. @throws RigError RIG_DEADLINE */
  settle<T>(work: Promise<T>, deadlineMs: number): Promise<T>;
  /** One measured latency, under a name of the case's, in ms. */
  measured(name: string, ms: number): void;
  /** Kept in a recording, where one is made. */
  note(note: BenchNote): void;
}

export interface UsbBench extends BenchBase {
  readonly kind: "usb";
  /** Opens the line, again after it was closed; before anything was said on it. */
  connect(): Promise<Transport>;
}

/** What a case may choose of the bridge that the device works for. */
export type BridgeChoices = Pick<BridgeOptions, "onProof" | "onShare" | "onEvent" | "vardiff" | "simulatedVardiff">;

/** What stands between bridge and device on one connection: both ways go through it. */
export interface Between {
  /** The bridge sends. */
  write(bytes: Uint8Array): void;
  /** The device sends. */
  hear(bytes: Uint8Array): void;
  end(): void;
}

export interface BetweenEnds {
  toDevice(bytes: Uint8Array): void;
  toHost(bytes: Uint8Array): void;
  /** The connection is to break off. */
  unplugged(): void;
}

export interface StratumBench extends BenchBase {
  readonly kind: "stratum";
  /** The bridge under test, to which the device connects (or a recording's bytes are fed). */
  bridge(choices: BridgeChoices): Promise<StratumBridge>;
  /** Difficulty that this device finds in a second or so. */
  readonly difficulty: number;
  /** What was said on the device's connections so far. */
  readonly dialogue: Dialogue;
  /**
   * Hears every byte of the device's connections; set before `bridge`. May not throw.
   *
   * @param time in place of the bench's clock from now on
   */
  tap(tap: StratumTap, time?: TapTime): void;
  /**
   * Changes what the device says on its way to the host, with `faults`: every chunk into none, one or several. Where a
   * recording is played back its bytes are as they arrived, and nothing is changed any more.
   *
   * @throws RigError RIG_CANNOT
   */
  damage(damage: (chunk: Uint8Array) => readonly Uint8Array[]): void;
  /**
   * Puts something into every connection of the device from now on, with `faults`, nearer to the bridge than what was put
   * there before. What a recording holds is what the bridge said and heard.
   *
   * @throws RigError RIG_CANNOT
   */
  between(make: (ends: BetweenEnds) => Between): void;
  /** Lets time pass for the host: on a real device it really does, elsewhere only the clock is turned. */
  pass(ms: number): Promise<void>;
  /** What the jobs of a recording seal, in their order, with `recorded-jobs`; empty elsewhere. */
  readonly jobs: readonly RecordedJob[];
}

export interface RecordedJob {
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** From the job to its share, in ms. */
  readonly tookMs: number;
}

export interface BenchOf {
  readonly usb: UsbBench;
  readonly stratum: StratumBench;
}
