/** Scenarios as data, drawn from a seed: what the host asks and what befalls it, when, and under which faults. */
import { Seeded } from "../../host/device/testing/seeded.ts";
import { FAULT_KINDS, type FaultKind, kindOf, LIES, type Option } from "../faults/kinds.ts";
import type { Fault, FaultPlan } from "../faults/plan.ts";
import type { DeviceChoices } from "./cable.ts";

export type Action =
  | { readonly kind: "hash"; readonly blocks: number; readonly blockBytes: number; readonly deadlineMs: number }
  | {
      readonly kind: "image";
      readonly side: 16 | 24 | 32;
      readonly raw: boolean;
      readonly digests: boolean;
      readonly deadlineMs: number;
    }
  /** `bits` 0: a target that nothing meets. */
  | { readonly kind: "work"; readonly bits: number; readonly deadlineMs: number; readonly stopMs?: number }
  | { readonly kind: "attest" | "health" | "ping"; readonly deadlineMs: number }
  | { readonly kind: "log"; readonly level: number; readonly deadlineMs: number }
  | { readonly kind: "rate"; readonly baud: number }
  | { readonly kind: "reset" }
  /** Asks, and gives up so soon after. */
  | { readonly kind: "abort"; readonly afterMs: number }
  /** The host ends the connection, and begins another one. */
  | { readonly kind: "hang-up" }
  | { readonly kind: "stop-start"; readonly pauseMs: number }
  | { readonly kind: "unplug"; readonly backMs: number }
  | { readonly kind: "restart" | "crash" | "brownout" }
  /** The device hears nothing until it is restarted. */
  | { readonly kind: "hang" };

export type ActionKind = Action["kind"];

export interface Step {
  readonly atMs: number;
  readonly action: Action;
  /** Decides the contents. */
  readonly seed: number;
}

export interface Scenario {
  readonly seed: number;
  readonly device: DeviceChoices;
  readonly steps: readonly Step[];
  readonly plan: FaultPlan;
  /** Faults end then. */
  readonly calmAtMs: number;
}

/** Which of a scenario's steps and faults are left out, by number: how a failing one is made smaller. */
export interface Without {
  readonly steps: readonly number[];
  readonly faults: readonly number[];
}

export const WHOLE: Without = { steps: [], faults: [] };

const SEED_END = 2 ** 32;
const MOST_STEPS = 24;
const MOST_FAULTS = 5;
const MOST_BESIDE_LIES = 1;
/** One scenario in so many has a device that lies. */
const LIES_EVERY = 6;
/** A lie strikes from this mark of the scenario on: in the greeting it would only spoil the greeting. */
export const READY = "ready";
const RATES = [115_200, 460_800, 921_600] as const;
/** The more often here, the more often drawn. */
const ACTIONS: readonly ActionKind[] = [
  ...(["hash", "hash", "hash", "hash", "image", "image", "work", "work", "attest", "health", "ping", "log"] as const),
  ...(["rate", "reset", "abort", "hang-up", "stop-start", "unplug", "restart", "crash", "brownout", "hang"] as const),
];
/** What a device may lie about and be judged by, and the commands whose answers tell it. */
const LIED_ABOUT = { hash: ["HASH", "BATCH"], image: ["IMAGE"], work: ["WORK"] } as const;
type LiedAbout = keyof typeof LIED_ABOUT;
/** What changes a digest or a nonce; the other lies change how it is wrapped. */
const FORGING = ["forge", "forge", "swap-answers"] as const;
const HONEST = FAULT_KINDS.filter((kind) => !(LIES as readonly FaultKind[]).includes(kind));

export function drawScenario(seed: number, without: Without = WHOLE): Scenario {
  const random = new Seeded(seed);
  const device = {
    seed: random.below(SEED_END),
    uart: random.next() < 0.4,
    banner: random.next() < 0.3,
    named: random.next() < 0.5,
  };
  const lie = random.below(LIES_EVERY) === 0 ? random.pick(["hash", "image", "work"] as const) : undefined;
  // A device that lies is asked for little else: one that is asked nothing is not found out.
  const kinds = lie === undefined ? ACTIONS : [...ACTIONS, ...ACTIONS.map(() => lie), ...ACTIONS.map(() => lie)];
  let atMs = 0;
  const steps = Array.from({ length: 2 + random.below(MOST_STEPS - 1) }, (): Step => {
    atMs += random.next() < 0.3 ? 0 : random.below(1500);
    return { atMs, action: drawAction(random, kinds), seed: random.below(SEED_END) };
  });
  const calmAtMs = atMs + 500 + random.below(3000);
  const lies = lie === undefined ? [] : drawLies(random, lie);
  const most = lie === undefined ? MOST_FAULTS : MOST_BESIDE_LIES;
  const faults = [...lies, ...Array.from({ length: random.below(most + 1) }, () => drawFault(random, HONEST))];
  return {
    ...{ seed, device, calmAtMs },
    steps: steps.filter((_, i) => !without.steps.includes(i)),
    // Left out in place: the luck of the others goes by their number.
    plan: { seed, faults: faults.map((fault, i) => (without.faults.includes(i) ? { ...fault, p: 0 } : fault)) },
  };
}

function drawAction(random: Seeded, kinds: readonly ActionKind[]): Action {
  const kind = random.pick(kinds);
  const deadlineMs = 1000 + random.below(7000);
  switch (kind) {
    case "hash":
      return {
        kind,
        blocks: 1 + random.below(random.next() < 0.2 ? 40 : 6),
        blockBytes: random.pick([1, 16, 64, 200]),
        deadlineMs,
      };
    case "image":
      return {
        kind,
        side: random.pick([16, 24, 32]),
        raw: random.next() < 0.8,
        digests: random.next() < 0.5,
        deadlineMs: deadlineMs + 2000,
      };
    case "work": {
      const stop = random.next() < 0.2 ? { stopMs: random.below(800) } : {};
      return { kind, bits: random.pick([0, 4, 6, 7]), deadlineMs: 200 + random.below(1000), ...stop };
    }
    case "attest":
    case "health":
    case "ping":
      return { kind, deadlineMs };
    case "log":
      return { kind, level: random.below(6), deadlineMs };
    case "rate":
      return { kind, baud: random.pick(RATES) };
    case "abort":
      return { kind, afterMs: random.below(300) };
    case "stop-start":
      return { kind, pauseMs: random.below(1000) };
    case "unplug":
      return { kind, backMs: random.below(2500) };
    default:
      return { kind };
  }
}

const VALUES: Readonly<Record<Option, (random: Seeded) => number>> = {
  ms: (random) => random.pick([5, 50, 200, 700, 2000]),
  jitterMs: (random) => random.below(100),
  baud: (random) => random.pick([9600, 57_600, 115_200, 460_800]),
  lineBaud: (random) => random.pick([9600, 115_200]),
  at: (random) => 1 + random.below(40),
  bytes: (random) => 1 + random.below(16),
};

/** Most come at the answers to one command, a few times over; some anywhere, as other faults do. */
function drawLies(random: Seeded, about: LiedAbout): readonly Fault[] {
  if (random.below(8) === 0) return [drawFault(random, LIES)];
  const kind = random.pick([...FORGING, ...FORGING, ...LIES]);
  const luck = { p: random.pick([0.3, 1, 1, 1]), times: 2 + random.below(8) };
  return LIED_ABOUT[about].map((verb) => ({ kind, direction: "read", from: READY, verb, ...luck }));
}

export function drawFault(random: Seeded, kinds: readonly FaultKind[]): Fault {
  const kind = random.pick(kinds);
  const { in: directions, takes = [], needs = [] } = kindOf(kind);
  const options = takes.filter((option) => needs.includes(option) || random.next() < 0.5);
  return {
    ...{ kind, direction: random.pick(directions) },
    p: random.pick([0.02, 0.1, 0.3, 1]),
    ...(random.next() < 0.6 ? { times: 1 + random.below(4) } : {}),
    ...(random.next() < 0.1 ? { afterBytes: random.below(3000) } : {}),
    ...(random.next() < 0.1 ? { verb: random.pick(["HASH", "BATCH", "IMAGE", "WORK", "HELLO", "BAUD", "PING"]) } : {}),
    ...Object.fromEntries(options.map((option) => [option, VALUES[option](random)])),
  };
}
