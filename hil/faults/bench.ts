/** A whole bench under a fault plan: what `--faults` puts between any case and its target. */
import type { UsbBench } from "../rig/bench.ts";
import { FaultBox } from "./faulty.ts";
import type { FaultPlan } from "./plan.ts";

const ACT_MS = 5000;

/** Every connection of the bench goes through one box. @throws FaultError FAULT_CANNOT */
export function benchUnderFaults(bench: UsbBench, plan: FaultPlan): UsbBench {
  const box = boxOn(bench, plan);
  return { ...bench, connect: async () => box.wrap(await bench.connect()) };
}

export function boxOn(bench: UsbBench, plan: FaultPlan): FaultBox {
  // What becomes of a restart shows on the line, and nowhere else.
  const restart = (what: "restart" | "crash") => void bench.settle(bench.act(what), ACT_MS).catch(() => {});
  const canRestart = bench.can.has("restart") && bench.can.has("crash");
  return new FaultBox(plan, { clock: bench.clock, ...(canRestart ? { act: restart } : {}) });
}
