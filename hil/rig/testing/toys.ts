/** Targets and cases that do what a test of the rig wants, with no device in sight. */
import { type Clock, systemClock } from "../../../host/device/clock.ts";
import type { TargetKind, UsbBench } from "../bench.ts";
import { type Case, usbCase } from "../case.ts";
import { before } from "../deadline.ts";
import { RigError } from "../error.ts";
import type { Passed } from "../report.ts";
import type { TargetPlan } from "../runner.ts";
import type { BenchFor, Target } from "../target.ts";

export interface ToyOptions {
  readonly name?: string;
  readonly kind?: TargetKind;
  readonly lane?: string;
  /** Default true. */
  readonly simulated?: boolean;
  readonly clock?: Clock;
  /** Throws in place of a target. */
  readonly absent?: Error;
  readonly covers?: Target<"usb">["covers"];
  /** Of one bench; its argument counts benches from 1. */
  readonly open?: (bench: number) => Promise<void>;
  readonly close?: (bench: number) => Promise<void>;
  readonly present?: () => Promise<void>;
  readonly last?: readonly Passed[];
}

/** What was done, in order: `open usb/a 17`, `close usb/a`. */
export interface Toy extends TargetPlan {
  readonly log: readonly string[];
}

export function toyTarget(options: ToyOptions = {}): Toy {
  const { kind = "model", name = `${kind}-usb`, lane = kind, absent } = options;
  const log: string[] = [];
  const target: Target<"usb"> = {
    ...{ name, kind, transport: "usb" },
    identity: { id: "toy", firmware: "toy 1", simulated: options.simulated ?? true, capabilities: new Set(["hash"]) },
    covers: options.covers ?? (() => ({ runs: true })),
    ...(options.present === undefined ? {} : { present: options.present }),
    open: async (one, seed) => {
      log.push(`open ${one.id} ${seed}`);
      const benches = log.filter((line) => line.startsWith("open ")).length;
      await options.open?.(benches);
      return toyBench(options, kind, async () => {
        log.push(`close ${one.id}`);
        await options.close?.(benches);
      });
    },
    close: async () => {
      log.push("end");
    },
  };
  const open = async () => {
    if (absent !== undefined) throw absent;
    return target;
  };
  return { name, kind, transport: "usb", lane, open, log };
}

function toyBench(options: ToyOptions, target: TargetKind, close: () => Promise<void>): BenchFor<"usb"> {
  const { clock = systemClock, last = [] } = options;
  const latencies: Record<string, number[]> = {};
  const bench: UsbBench = {
    ...{ kind: "usb", target, clock, can: new Set() },
    utcMs: () => 0,
    random: () => 0.5,
    act: (ability) => Promise.reject(new RigError("RIG_CANNOT", `a toy cannot ${ability}`)),
    settle: (work, ms) => before(work, "the toy", [{ clock, ms }]),
    measured: (name, ms) => {
      latencies[name] = [...(latencies[name] ?? []), ms];
    },
    note: () => {},
    connect: () => Promise.reject(new RigError("RIG_CANNOT", "a toy has no line")),
  };
  return { bench, last: () => last, latencies: () => latencies, close };
}

export function toyCase(id: string, run: Case<"usb">["run"] = async () => {}, more: Partial<Case<"usb">> = {}) {
  return usbCase({ id, title: `${id} holds`, spec: ["SPEC 5.2"], level: "MUST", needs: ["hash"], run, ...more });
}
