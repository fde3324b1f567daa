/** A case's line under faults: the plan in a seeded box, the driver on it, and what happened, told when the case fails. */
import { errorMessage } from "../../host/base/error.ts";
import { UsbDevice } from "../../host/device/usb/usb-device.ts";
import type { UsbBench } from "../rig/bench.ts";
import { CaseFailure } from "../rig/case.ts";
import { boxOn } from "./bench.ts";
import type { FaultBox } from "./faulty.ts";
import type { FaultKind } from "./kinds.ts";
import { NO_FAULTS } from "./plan.ts";
import { parseFaults, printFaults } from "./text.ts";

const SEED_END = 2 ** 32;
const CONNECT_MS = 10_000;
const OPEN_MS = 15_000;
/** A bench's line is quiet when it is given out. */
const QUIET_MS = 20;

export class Stage {
  readonly bench: UsbBench;
  readonly box: FaultBox;

  /** @param faults as `parseFaults` reads them; their seed comes from the bench */
  constructor(bench: UsbBench, faults: string) {
    this.bench = bench;
    const plan = { ...NO_FAULTS, ...parseFaults(faults), seed: Math.floor(bench.random() * SEED_END) };
    this.box = boxOn(bench, plan);
  }

  /** Opens the line, through the faults. @param helloMs how long HELLO is repeated */
  async open(helloMs?: number): Promise<UsbDevice> {
    const { clock, random } = this.bench;
    const transport = this.box.wrap(await this.bench.settle(this.bench.connect(), CONNECT_MS));
    const hello = helloMs === undefined ? {} : { helloMs };
    const opening = UsbDevice.open(transport, { clock, random, quietMs: QUIET_MS, climb: false, ...hello });
    return this.bench.settle(opening, OPEN_MS);
  }

  /** From now on, faults that begin `from` this mark may strike. */
  ready(mark = "ready"): void {
    this.box.mark(mark);
    this.bench.note({ mark });
  }

  fired(kind: FaultKind): number {
    return this.box.fired[kind] ?? 0;
  }
}

/** Plays a case on a stage; what goes wrong is told with the plan that it went wrong under. */
export async function onStage(bench: UsbBench, faults: string, play: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = new Stage(bench, faults);
  try {
    await play(stage);
  } catch (error) {
    const told = `${errorMessage(error)}; under ${printFaults(stage.box.plan)}, struck ${JSON.stringify(stage.box.fired)}`;
    throw new CaseFailure(told, { cause: error });
  }
}
