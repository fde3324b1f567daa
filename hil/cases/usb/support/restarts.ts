/** Devices that restart while a case lasts. */
import { sleep } from "../../../../host/device/clock.ts";
import type { LinkEvent } from "../../../../host/device/link/frame.ts";
import type { UsbBench } from "../../../rig/bench.ts";
import { CaseFailure, expectThat } from "../../../rig/case.ts";
import { RawLine } from "./raw-line.ts";

const RESTART_MS = 10_000;
/** Between looks at a device that may not have restarted yet. */
const LOOK_MS = 50;

/** The device after a restart, on a new connection. */
export async function restarted(bench: UsbBench, before: RawLine): Promise<RawLine> {
  await bench.act("restart");
  await before.close();
  return reopened(bench, before.boot);
}

/** Connects until another boot answers. */
export async function reopened(bench: UsbBench, boot: string): Promise<RawLine> {
  const endMs = bench.clock.nowMs() + RESTART_MS;
  for (;;) {
    const line = await RawLine.open(bench);
    if (line.boot !== boot) return line;
    if (bench.clock.nowMs() > endMs) throw new CaseFailure(`boot ${boot} goes on ${RESTART_MS} ms after the restart`);
    await line.close();
    await bench.settle(sleep(bench.clock, LOOK_MS), 5000);
  }
}

/** BOOT notices of another boot. */
export function isBoot(event: LinkEvent, before: string): boolean {
  return event.kind === "frame" && event.frame.verb === "BOOT" && event.frame.args[0] !== before;
}

export function expectOtherBoot(now: string, before: string): void {
  expectThat(now !== before, `boot id ${now} is that of the boot before`);
}
