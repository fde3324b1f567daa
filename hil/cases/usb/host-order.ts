/** When the host's driver says what: never two of a kind at once, and something now and then (SPEC 4.2, 5.2, 5.6, 5.9). */
import { errorMessage } from "../../../host/base/error.ts";
import { DeviceLink } from "../../../host/device/device-link.ts";
import { DeviceError } from "../../../host/device/errors.ts";
import { encodeFrame, type Frame } from "../../../host/device/link/frame.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice } from "./support/driver.ts";
import { expectBytes } from "./support/expect.ts";
import { drawFilm, ownRoot } from "./support/films.ts";
import { drawJob, HOPELESS } from "./support/searches.ts";
import { Tap } from "./support/tap.ts";
import { expectOneAtATime, isAnswer, Trace } from "./support/trace.ts";

const MUST = { level: "MUST", needs: [] } as const;
const CALLS_MS = 20_000;
/** SPEC 5.2, and what a host's scheduling may add. */
const HEARTBEAT_MS = { least: 2000, most: 5000, late: 250 };
const SEARCH_MS = 1500;
/** "Every 2 s or so". */
const STATUS_MS = 3000;

const encoded = (frames: readonly Frame[]) => frames.map(encodeFrame);

/** A driver whose first answers to some requests are lost. */
async function connectLosing(bench: UsbBench, isOne: (frame: Frame) => boolean, losses: number, climb = false) {
  const [tap, trace] = [new Tap(), new Trace(bench.clock)];
  const device = await openDevice(bench, { climb, wrap: (line) => trace.through(tap.through(line)) });
  let left = losses;
  const asked = (seq: number) => tap.sent.findLast((frame) => frame.seq === seq);
  tap.deliver = (frames) =>
    encoded(
      frames.filter((frame) => {
        const request = isAnswer(frame) ? asked(frame.seq) : undefined;
        if (request === undefined || !isOne(request) || left === 0) return true;
        left -= 1;
        return false;
      }),
    );
  return { device, trace, tap };
}

/** The host sends PING of itself. @returns how long after what it had said before */
async function heartbeatMs(
  bench: UsbBench,
  climb: boolean,
): Promise<{ readonly quietMs: number; readonly baud: number }> {
  const { clock, random } = bench;
  const trace = new Trace(clock);
  const ready = Promise.withResolvers<void>();
  let baud = 0;
  const link = new DeviceLink({
    ...{ clock, random, backoffMs: 50 },
    connect: async () => {
      const device = await openDevice(bench, { climb, wrap: trace.through });
      baud = device.baud;
      return device;
    },
    onChange: ({ kind }) => void (kind === "ready" && ready.resolve()),
  });
  try {
    link.start();
    await bench.settle(ready.promise, CALLS_MS);
    const fromMs = trace.all.at(-1)?.atMs ?? 0;
    const { atMs } = await bench.settle(trace.nextSent(), 2 * HEARTBEAT_MS.most);
    return { quietMs: atMs - fromMs, baud };
  } finally {
    await bench.settle(link.stop(), CALLS_MS);
  }
}

export const HOST_ORDER_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/host/one-log-at-a-time",
    title: "LOG is not sent while an earlier one is unanswered, and not repeated after a later one",
    spec: ["SPEC 4.2"],
    needs: ["log"],
    run: async (bench) => {
      const isLog = ({ verb }: Frame) => verb === "LOG";
      const { device, trace } = await connectLosing(bench, isLog, 2);
      await bench.settle(Promise.all([5, 4, 0].map((level) => device.log(level))), CALLS_MS);
      expectOneAtATime(trace, isLog, "LOG");
      const levels = new Set(trace.sent(isLog).map(({ frame }) => frame.args[0]));
      expectThat([...levels].join() === "5,4,0", `the levels were asked for as ${[...levels].join()}`);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/one-image-at-a-time",
    title: "IMAGE NEW is not sent while an earlier one is unanswered, and not repeated after a later one",
    spec: ["SPEC 4.2", "SPEC 5.8"],
    needs: ["image"],
    run: async (bench) => {
      const isNew = ({ verb, args }: Frame) => verb === "IMAGE" && args[0] === "NEW";
      const { device, trace } = await connectLosing(bench, isNew, 2);
      const images = [drawFilm(bench, 32), drawFilm(bench, 32)];
      const answers = images.map((image) => device.image(image, { scales: [8], raw: true }));
      for (const [at, { roots }] of (await bench.settle(Promise.all(answers), CALLS_MS)).entries())
        expectBytes(roots.get(8), Buffer.from(ownRoot(images[at] ?? drawFilm(bench, 8), 8), "hex"), `root ${at + 1}`);
      expectOneAtATime(trace, isNew, "IMAGE NEW");
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/unknown-refusal",
    title: "A refusal with a code that the host does not know, or without one, is one of the hardware",
    spec: ["SPEC 4.3"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      for (const words of [["NOVELTY", "of", "2030"], ["busy"], []]) {
        tap.deliver = (frames) =>
          encoded(frames.map(({ seq, args: [boot = ""] }) => ({ seq, verb: "ERR", args: [boot, ...words] })));
        const error: unknown = await bench.settle(
          device.hash([Buffer.of(1)]).then(
            () => undefined,
            (reason: unknown) => reason,
          ),
          CALLS_MS,
        );
        const code = error instanceof DeviceError ? error.refusal?.code : undefined;
        expectThat(code === "DEVICE", `ERR ${words.join(" ")} ended in ${code ?? errorMessage(error)}`);
      }
      tap.deliver = undefined;
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/heartbeat",
    title: "An idle host sends a PING every 2 to 5 s",
    spec: ["SPEC 5.2"],
    level: "SHOULD",
    run: async (bench) => {
      const { quietMs } = await heartbeatMs(bench, false);
      const { least, most, late } = HEARTBEAT_MS;
      expectThat(quietMs >= least && quietMs <= most + late, `the first PING came after ${Math.round(quietMs)} ms`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/host-heartbeat",
    title: "A host at another rate than 115,200 sends something at least every 5 s",
    spec: ["SPEC 5.9"],
    needs: ["baud"],
    can: ["rate"],
    run: async (bench) => {
      const { quietMs, baud } = await heartbeatMs(bench, true);
      const { most, late } = HEARTBEAT_MS;
      expectThat(quietMs <= most + late, `at ${baud} baud it was silent for ${Math.round(quietMs)} ms`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/asks-status",
    title: "A host whose notices are lost asks for the search every 2 s or so, and learns how it ended",
    spec: ["SPEC 5.6"],
    level: "SHOULD",
    needs: ["work"],
    run: async (bench) => {
      const { device, trace, tap } = await connectLosing(bench, () => false, 0);
      tap.deliver = (frames) => encoded(frames.filter(({ seq }) => seq !== 0));
      const { header, target, mask } = drawJob(bench, { difficulty: HOPELESS });
      const startMs = bench.clock.nowMs();
      const asked = trace.nextSent(({ args }) => args[0] === "STATUS");
      const job = { header, target, versionMask: mask, deadlineMs: SEARCH_MS };
      const { kind } = await bench.settle(device.work(job), CALLS_MS);
      expectThat(kind === "expired" || kind === "exhausted", `the search ended ${kind}`);
      const tookMs = (await bench.settle(asked, CALLS_MS)).atMs - startMs;
      expectThat(tookMs <= STATUS_MS, `STATUS was first asked after ${Math.round(tookMs)} ms`);
      await device.close();
    },
  }),
];
