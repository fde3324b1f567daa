/** A bench for Stratum cases: a fresh bridge under the bench's clock and seed, and a device that is brought to it. */
import { type Clock, sleep } from "../../host/device/clock.ts";
import type { Admit } from "../../host/device/stratum/admission.ts";
import type { BridgeEvent, BridgeOptions } from "../../host/device/stratum/bridge.ts";
import type { VardiffOptions } from "../../host/device/stratum/vardiff.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type {
  Ability,
  Between,
  BetweenEnds,
  BridgeChoices,
  RecordedJob,
  StratumBench,
  TargetKind,
} from "../rig/bench.ts";
import { before } from "../rig/deadline.ts";
import type { StratumTap, TapTime } from "../rig/dialogue.ts";
import { RigError } from "../rig/error.ts";
import type { BenchFor } from "../rig/target.ts";
import { DialogueLog, Taps } from "./dialogue-log.ts";
import { type Damage, RAW_WORKER, RIG_ADDRESS, TappedBridge } from "./tapped-bridge.ts";

/** 1,024 hashes a share: some hundredths of a second of a model, a thousandth of a CPU. */
export const MODEL_DIFFICULTY = 2 ** -22;
/** Below it stock firmware reports nothing more. */
export const REAL_DIFFICULTY = 256;

/** How much later than asked for a pause may end. */
const SLACK_MS = 5000;

export type Joined = Extract<BridgeEvent, { kind: "joined" }>;

/** What differs between targets. */
export interface StratumParts {
  readonly target: TargetKind;
  readonly clock: Clock;
  /** The time of day when the clock was 0. */
  readonly startUtcMs: number;
  readonly seed: number;
  readonly can: readonly Ability[];
  readonly difficulty: number;
  readonly admit: Admit;
  readonly jobs?: readonly RecordedJob[];
  /** What the bridge is given besides, such as a recording's jobs. */
  readonly options?: Partial<Pick<BridgeOptions, "makeJob" | "extranonce1">>;
  readonly rewrite?: ((text: string) => string) | undefined;
  readonly tap?: StratumTap | undefined;
  /** Brings device and bridge together. @param joined resolves when the device has its first job @throws RigError */
  readonly meet: (bridge: TappedBridge, joined: Promise<Joined>) => Promise<void>;
  /** Turns the clock on, where that can be done. */
  readonly skip?: (ms: number) => Promise<void>;
  readonly restart?: () => Promise<void>;
  /** Default: waits under the clock. */
  readonly settle?: <T>(work: Promise<T>, deadlineMs: number) => Promise<T>;
  readonly notes?: readonly string[];
  /** After the bridge was closed. @param spoilt whether something stood between it and the device @throws RigError */
  readonly close: (spoilt: boolean) => Promise<void>;
}

export function stratumBenchFor(parts: StratumParts): BenchFor<"stratum"> {
  const latencies: Record<string, number[]> = {};
  const dialogue = new DialogueLog();
  const taps = new Taps(dialogue, ...(parts.tap === undefined ? [] : [parts.tap]));
  let time: { readonly clock: Clock; readonly startUtcMs: number; readonly happened?: TapTime["happened"] } = parts;
  let bridge: TappedBridge | undefined;
  let damage: Damage = (chunk) => [chunk];
  const between: ((ends: BetweenEnds) => Between)[] = [];
  const utcMs = () => time.startUtcMs + time.clock.nowMs();

  const bench: StratumBench = {
    ...{ kind: "stratum", target: parts.target, difficulty: parts.difficulty, jobs: parts.jobs ?? [] },
    ...{ can: new Set(parts.can), random: new Seeded(parts.seed).next, dialogue, utcMs },
    get clock() {
      return time.clock;
    },
    bridge: async (choices) => {
      if (bridge !== undefined) throw new RigError("RIG_CANNOT", "a bench has one bridge");
      const { promise: joined, resolve } = Promise.withResolvers<Joined>();
      const options = bridgeOptions(parts, time.clock, utcMs, choices, resolve);
      bridge = new TappedBridge(options, { tap: taps, happened: time.happened, rewrite: parts.rewrite, between });
      bridge.damage = damage;
      await parts.meet(bridge, joined);
      return bridge;
    },
    tap: (tap, tapTime) => {
      taps.add(tap);
      if (tapTime === undefined) return;
      const happened = (deal: () => void) => tapTime.happened(deal);
      time = { clock: tapTime, startUtcMs: utcMs() - tapTime.nowMs(), happened };
    },
    damage: (change) => {
      expectFaults(bench);
      damage = change;
      if (bridge !== undefined) bridge.damage = change;
    },
    between: (make) => {
      expectFaults(bench);
      between.push(make);
    },
    act: async (ability) => {
      const { restart } = parts;
      if (ability !== "restart" || restart === undefined) throw new RigError("RIG_CANNOT", `${ability} on this device`);
      await restart();
    },
    settle: (work, deadlineMs) =>
      parts.settle?.(work, deadlineMs) ??
      before(work, "what the case waits for", [{ clock: time.clock, ms: deadlineMs }]),
    pass: async (ms) => {
      const passed = sleep(time.clock, ms);
      await parts.skip?.(ms);
      // A recording's clock is turned for who waits.
      await bench.settle(passed, ms + SLACK_MS);
    },
    measured: (name, ms) => {
      latencies[name] ??= [];
      latencies[name].push(ms);
    },
    note: () => {},
  };
  return {
    bench,
    last: () => dialogue.last(),
    latencies: () => latencies,
    notes: () => parts.notes ?? [],
    close: async () => {
      bridge?.close();
      await parts.close(between.length > 0);
    },
  };
}

function expectFaults({ can }: StratumBench): void {
  if (!can.has("faults")) throw new RigError("RIG_CANNOT", "this device's line cannot be damaged");
}

/** The case's choices over the bench's; every number drawn follows from the seed. */
function bridgeOptions(
  parts: StratumParts,
  clock: Clock,
  utcMs: () => number,
  choices: BridgeChoices,
  onJoined: (joined: Joined) => void,
): BridgeOptions {
  const { seed, difficulty, options } = parts;
  const steady: Partial<VardiffOptions> = { least: difficulty, most: difficulty };
  const numbers = new Seeded(seed ^ 0x5eed);
  return {
    ...{ clock, utcMs, random: (count) => numbers.bytes(count) },
    admit: (worker) => (worker === RAW_WORKER ? { kind: "admitted", simulated: true } : parts.admit(worker)),
    vardiff: difficulty >= 1 ? steady : {},
    simulatedVardiff: difficulty < 1 ? steady : { least: MODEL_DIFFICULTY, most: MODEL_DIFFICULTY },
    ...options,
    ...choices,
    onEvent: (event) => {
      if (event.kind === "joined" && event.address !== RIG_ADDRESS) onJoined(event);
      choices.onEvent?.(event);
    },
  };
}
