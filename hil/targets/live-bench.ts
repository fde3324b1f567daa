/** The bench of a device that is there now, model or hardware: real time, one line at a time. */
import { type Clock, systemClock } from "../../host/device/clock.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type { Transport } from "../../host/device/transport.ts";
import type { Ability, TargetKind, UsbBench } from "../rig/bench.ts";
import { before } from "../rig/deadline.ts";
import { RigError } from "../rig/error.ts";
import { LastChunks } from "../rig/last-chunks.ts";
import type { BenchFor } from "../rig/target.ts";

export type Act = Parameters<UsbBench["act"]>[0];

/** What is different of one device and another. */
export interface LiveDevice {
  /** Opens its line; the one before has been closed. */
  connect(): Promise<Transport>;
  act(ability: Act): Promise<void>;
  /** Ends the case's use of it. @throws RigError for what must not have been */
  close(): Promise<void>;
}

export interface LiveBenchOptions {
  readonly target: TargetKind;
  readonly can: ReadonlySet<Ability>;
  readonly seed: number;
  readonly device: LiveDevice;
  readonly clock?: Clock;
}

export function liveBench({ target, can, seed, device, clock = systemClock }: LiveBenchOptions): BenchFor<"usb"> {
  const startMs = clock.nowMs();
  const last = new LastChunks(() => (clock.nowMs() - startMs) * 1000);
  const latencies: Record<string, number[]> = {};
  const open = new Set<Transport>();
  const bench: UsbBench = {
    kind: "usb",
    target,
    clock,
    utcMs: () => Date.now(),
    random: new Seeded(seed).next,
    can,
    act: async (ability) => {
      if (!can.has(ability)) throw new RigError("RIG_CANNOT", `${ability} on this ${target}`);
      await device.act(ability);
    },
    settle: (work, deadlineMs) => before(work, "what the case waits for", [{ clock, ms: deadlineMs }]),
    measured: (name, ms) => {
      latencies[name] ??= [];
      latencies[name].push(ms);
    },
    note: () => {},
    connect: async () => {
      const line = await device.connect();
      open.add(line);
      return last.through(line);
    },
  };
  return {
    bench,
    last: () => last.list(),
    latencies: () => latencies,
    close: async () => {
      for (const line of open) await line.close();
      await device.close();
    },
  };
}

/** Why a case does not apply to a device; undefined if it does. */
export function lacking(
  { needs, can = [] }: { readonly needs: readonly string[]; readonly can?: readonly Ability[] },
  has: ReadonlySet<string>,
  abilities: ReadonlySet<Ability>,
): string | undefined {
  const missing = needs.filter((capability) => !has.has(capability));
  if (missing.length > 0) return `the device has no ${missing.join(", ")}`;
  const unable = can.filter((ability) => !abilities.has(ability));
  return unable.length > 0 ? `the target has no ${unable.join(", ")}` : undefined;
}
