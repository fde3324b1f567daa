/** Cases under a fault plan that is not theirs: what `hil run --faults` puts between any case and its target. */
import type { Around, AttemptOf } from "../rig/attempt.ts";
import type { BenchOf, StratumBench, TransportKind, UsbBench } from "../rig/bench.ts";
import type { BenchFor } from "../rig/target.ts";
import { FaultBox } from "./faulty.ts";
import { FaultyPipe } from "./pipe.ts";
import type { FaultPlan } from "./plan.ts";
import { parseFaults, printFaults } from "./text.ts";

const ACT_MS = 5000;

/**
 * Every case has its lines, serial ones and miners' connections, under these faults, with luck that follows from the case's seed.
 *
 * @param text as `parseFaults` reads it; what it throws, and FAULT_CANNOT, `wrap` throws
 */
export function underFaults(text: string): Around {
  return {
    wrap: <Kind extends TransportKind>(opened: BenchFor<Kind>, { seed }: AttemptOf<Kind>): BenchFor<Kind> => {
      // Its kind is told apart here, once for all.
      const bench: UsbBench | StratumBench = opened.bench;
      const plan = parseFaults(text, seed);
      const spoilt = bench.kind === "usb" ? usbUnderFaults(bench, plan) : bench;
      if (bench.kind === "stratum") spoilStratum(bench, boxOn(bench, plan));
      return {
        ...opened,
        // One of the two kinds of bench in, the same kind out: what the compiler cannot see.
        bench: spoilt as BenchOf[Kind],
        notes: () => [...(opened.notes?.() ?? []), `under ${printFaults(plan)}`],
      };
    },
  };
}

/** Every connection of the bench goes through one box. @throws FaultError FAULT_CANNOT */
function usbUnderFaults(bench: UsbBench, plan: FaultPlan): UsbBench {
  const box = boxOn(bench, plan);
  return { ...bench, connect: async () => box.wrap(await bench.connect()) };
}

/** Every connection of the device from now on goes through this box. @throws RigError RIG_CANNOT */
export function spoilStratum(bench: StratumBench, box: FaultBox): void {
  bench.between((ends) => new FaultyPipe(box, ends));
}

/** @param onStrike hears of every strike too */
export function boxOn(bench: UsbBench | StratumBench, plan: FaultPlan, onStrike = () => {}): FaultBox {
  // What becomes of a restart shows on the line, and nowhere else.
  const restart = (what: "restart" | "crash") => void bench.settle(bench.act(what), ACT_MS).catch(() => {});
  const canRestart = bench.can.has("restart") && bench.can.has("crash");
  return new FaultBox(plan, {
    clock: bench.clock,
    onStrike: (fault) => {
      bench.note({ fault });
      onStrike();
    },
    ...(canRestart ? { act: restart } : {}),
  });
}
