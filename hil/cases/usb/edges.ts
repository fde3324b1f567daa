/** Edges at which a device may be wrong though it is right a step before: each was a defect that nothing else found. */
import { errorCode } from "../../../host/base/error.ts";
import { sleep } from "../../../host/device/clock.ts";
import { encodeFrame, frameBytes } from "../../../host/device/link/frame.ts";
import { foundHeader } from "../../../host/device/session/work-status.ts";
import { sha256d } from "../../../host/work/header.ts";
import { meetsTarget } from "../../../host/work/target.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { expectErr, expectUnanswered, okWord, okWords } from "./support/expect.ts";
import { drawFilm, RawImage } from "./support/films.ts";
import { CONNECT_MS, RawLine } from "./support/raw-line.ts";
import { drawJob, easy, ended, start } from "./support/searches.ts";

const MUST = { level: "MUST", needs: [] } as const;
const START_BAUD = 115_200;
const RESTART_MS = 10_000;
const LOOK_MS = 200;
/** What the device waits for a request at a rate that is not the first (SPEC 5.9), and a little more. */
const SILENCE_MS = 10_500;
const SWITCH_MS = 10;
/** Half of what an ASIC reports meets such a target: of eight searches one would end in what does not. */
const BETWEEN = 1.99;
const SEARCHES = 8;

export const EDGE_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/line/hidden-frame",
    title: "The beginning of a line that is too long is no line, though it would be a frame",
    spec: ["SPEC 3.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { maxLineBytes } = line.hello;
      for (const length of [maxLineBytes - 1, maxLineBytes]) {
        for (const after of ["x", "\rx"]) {
          const frame = { seq: line.nextSeq(), verb: "FLASH", args: [""] };
          const word = "x".repeat(length + 1 - frameBytes(frame));
          const bytes = encodeFrame({ ...frame, args: [word] }).subarray(0, -1);
          expectThat(bytes.length === length, "the case's frame is of another length");
          const from = line.heard.length;
          await line.say(Buffer.concat([bytes, Buffer.from(`${after.repeat(300)}\n`)]));
          expectUnanswered(await line.sync(from), `a frame of ${length} bytes with more behind it`);
        }
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/boot/before-hello",
    title: "A restarted device has forgotten the image before any HELLO tells it to",
    spec: ["SPEC 5.8", "SPEC 7"],
    needs: ["image"],
    can: ["restart"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const image = await RawImage.begin(bench, line, drawFilm(bench, 16));
      await image.fill();
      await bench.act("restart");
      await line.close();
      const endMs = bench.clock.nowMs() + RESTART_MS;
      for (;;) {
        const after = await RawLine.connect(bench);
        await after.say("\n\n");
        const reply = await answered(after, image.id);
        if (reply !== undefined && reply.args[0] !== line.boot) {
          return expectErr(reply, "STATE", "the image of the boot before");
        }
        expectThat(bench.clock.nowMs() < endMs, `boot ${line.boot} goes on ${RESTART_MS} ms after the restart`);
        await after.close();
        await bench.settle(sleep(bench.clock, LOOK_MS), CONNECT_MS);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/between-powers",
    title: "What is found meets a target between two powers of two, where an ASIC reports more than was asked for",
    spec: ["SPEC 5.6"],
    needs: ["work"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (let times = 0; times < SEARCHES; times++) {
        const { id, header, target, ...job } = drawJob(bench, { difficulty: BETWEEN * easy(bench) });
        okWords(await start(line, { id, header, target, ...job }), "WORK START");
        const { state, found } = await ended(line, id);
        if (state === "exhausted") continue;
        expectThat(state === "found" && found !== undefined, `the search is ${state}, nothing was found`);
        const hash = sha256d(foundHeader(header, found.nonce, found.version));
        expectThat(meetsTarget(hash, target), "the nonce found misses its target, as reports of an ASIC may");
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/silence",
    title: "A device that reads no request for 10 s at a high rate returns to 115,200 baud",
    spec: ["SPEC 5.9"],
    needs: ["baud"],
    can: ["rate"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { setRate } = line.transport;
      const rate = line.hello.rates.find((each) => each !== START_BAUD);
      expectThat(rate !== undefined && setRate !== undefined, "the line has one rate only");
      const hostTo = (baud: number) => bench.settle(setRate.call(line.transport, baud), CONNECT_MS);
      okWord(await line.ask("BAUD", [String(rate)]), "BAUD");
      await bench.settle(sleep(bench.clock, SWITCH_MS), CONNECT_MS);
      await hostTo(rate);
      await line.say("\n\n");
      okWords(await line.ask("PING"), `PING at ${rate} baud`, 0);
      await bench.settle(sleep(bench.clock, SILENCE_MS), 2 * SILENCE_MS);
      await hostTo(START_BAUD);
      await line.say("\n\n");
      okWords(await line.ask("PING"), "PING at 115,200 baud after 10 s without a request", 0);
    },
  }),
];

/** What a request for the image's root is answered with, if the device is there yet. */
async function answered(line: RawLine, id: string) {
  try {
    return await line.reply(await line.send("IMAGE", ["ROOTS", id, "8"]), 0, LOOK_MS);
  } catch (error) {
    if (errorCode(error) === "RIG_DEADLINE") return undefined;
    throw error;
  }
}
