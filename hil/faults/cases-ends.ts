/** What asking again does not overcome: the call fails by name and in time, and a new connection serves. */
import { sha256, verifyDigests } from "../../host/device/digest.ts";
import type { UsbDevice } from "../../host/device/usb/usb-device.ts";
import { outcome, randomBlocks } from "../cases/usb/support/driver.ts";
import type { UsbBench } from "../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../rig/case.ts";
import { onStage, type Stage } from "./stage.ts";

interface Ended {
  readonly name: string;
  readonly title: string;
  readonly spec: readonly string[];
  readonly faults: string;
  /** Codes of which the call ends in one. */
  readonly codes: readonly string[];
  readonly restarts?: "restart" | "crash";
}

const DEADLINE_MS = 800;
/** Two HELLOs. */
const HELLO_MS = 700;
const SETTLE_MS = 15_000;
const BLOCKS = new Array<number>(40).fill(64);
const RESTARTED = ["DEVICE_REBOOTED", "DEVICE_BROWNOUT", "DEVICE_CRASHED"];

const ENDED: readonly Ended[] = [
  {
    name: "black-hole",
    title: "A line that swallows everything ends a call at its deadline",
    spec: ["SPEC 4.2", "SPEC 6"],
    faults: "blackhole@both from=ready",
    codes: ["DEVICE_DEADLINE"],
  },
  {
    name: "half-open",
    title: "A line that is dead one way only ends a call at its deadline",
    spec: ["SPEC 4.2", "SPEC 6"],
    faults: "half-open@read from=ready",
    codes: ["DEVICE_DEADLINE"],
  },
  {
    name: "write-hangs",
    title: "A write that never comes back ends a call at its deadline",
    spec: ["SPEC 6"],
    faults: "hang@write from=ready",
    codes: ["DEVICE_DEADLINE"],
  },
  {
    name: "write-fails",
    title: "A write that fails ends the connection",
    spec: ["SPEC 6"],
    faults: "eio@write from=ready times=1",
    codes: ["DEVICE_CLOSED"],
  },
  {
    name: "unplugged",
    title: "Pulling the plug fails what is under way at once; under its new name the device serves",
    spec: ["SPEC 6"],
    faults: "unplug@read from=ready times=1",
    codes: ["DEVICE_CLOSED"],
  },
  {
    name: "restart-mid-batch",
    title: "A restart in the middle fails what is under way, and nothing of it is answered after",
    spec: ["SPEC 4.1", "SPEC 6"],
    faults: "restart@write from=ready times=1",
    codes: RESTARTED,
    restarts: "restart",
  },
  {
    name: "crash-mid-batch",
    title: "A crash in the middle, with its boot text, fails what is under way by its name",
    spec: ["SPEC 4.1", "SPEC 6"],
    faults: "crash@write from=ready times=1",
    codes: RESTARTED,
    restarts: "crash",
  },
];

export const END_CASES: readonly Case<"usb">[] = [
  ...ENDED.map((one) =>
    usbCase({
      ...{ id: `usb/faults/${one.name}`, title: one.title, spec: one.spec, level: "MUST", needs: [] },
      can: one.restarts === undefined ? ["faults"] : ["faults", one.restarts],
      run: (bench) => onStage(bench, one.faults, (stage) => playEnd(stage, one)),
    }),
  ),
  usbCase({
    id: "usb/faults/other-rate",
    title: "A host at another rate finds no device, says so, and finds it at the right rate",
    spec: ["SPEC 5.9", "SPEC 6"],
    level: "MUST",
    needs: [],
    can: ["faults"],
    run: (bench) =>
      onStage(bench, "garble@both to=ready", async (stage) => {
        const found = await outcome(stage.open(HELLO_MS));
        expectThat(found === "DEVICE_NO_HELLO", `opening at the wrong rate ended in ${found}`);
        stage.ready();
        await serves(bench, await stage.open());
      }),
  }),
];

async function playEnd(stage: Stage, { codes, restarts }: Ended): Promise<void> {
  const { bench, box } = stage;
  const device = await stage.open();
  const { bootId } = device.info;
  const blocks = randomBlocks(bench, BLOCKS);
  stage.ready();
  const startMs = bench.clock.nowMs();
  const ended = await bench.settle(outcome(device.hash(blocks, { deadlineMs: DEADLINE_MS })), SETTLE_MS);
  const tookMs = bench.clock.nowMs() - startMs;
  expectThat(codes.includes(ended), `the call ended in ${ended}, not in ${codes.join(" or ")}`);
  expectThat(
    tookMs < 2 * DEADLINE_MS,
    `the call ended after ${Math.round(tookMs)} ms, its deadline was ${DEADLINE_MS}`,
  );
  await device.close();
  box.heal();
  const again = await stage.open();
  const restarted = again.info.bootId !== bootId;
  expectThat(restarted === (restarts !== undefined), restarted ? "the device restarted" : "the device did not restart");
  await serves(bench, again);
}

async function serves(bench: UsbBench, device: UsbDevice): Promise<void> {
  const blocks = randomBlocks(bench, [64, 64, 64]);
  const { mismatches } = await bench.settle(verifyDigests(device, blocks, blocks.map(sha256)), SETTLE_MS);
  expectThat(mismatches.length === 0, "wrong digests were taken");
  await device.close();
}
