/** SPEC 5.9: the rate of a UART. */

import { errorCode } from "../../../host/base/error.ts";
import { sleep } from "../../../host/device/clock.ts";
import { sha256 } from "../../../host/device/digest.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, randomBlocks, sizesUpTo } from "./support/driver.ts";
import { expectBytes, expectErr, okWord, okWords } from "./support/expect.ts";
import { drawFilm, ownRoot, RawImage } from "./support/films.ts";
import { RawLine } from "./support/raw-line.ts";
import { restarted } from "./support/restarts.ts";

const MUST = { level: "MUST", needs: ["baud"], can: ["rate"] } as const;
const START_BAUD = 115_200;
/** What the device waits after its reply; the host one tick more (SPEC 5.9). */
const SWITCH_MS = 10;
const REVERTED_MS = 650;

function higher(line: RawLine): number {
  const rate = line.hello.rates.find((each) => each !== START_BAUD);
  expectThat(rate !== undefined, "HELLO announces no other rate");
  return rate;
}

async function pause(bench: UsbBench, ms: number): Promise<void> {
  await bench.settle(sleep(bench.clock, ms), ms + 5000);
}

/** The host's end of the line. */
async function hostTo(bench: UsbBench, line: RawLine, baud: number): Promise<void> {
  const { setRate } = line.transport;
  expectThat(setRate !== undefined, "this line has no rate");
  await bench.settle(setRate.call(line.transport, baud), 5000);
}

async function moveTo(bench: UsbBench, line: RawLine, baud: number): Promise<void> {
  const word = okWord(await line.ask("BAUD", [String(baud)]), "BAUD");
  expectThat(word === String(baud), `BAUD ${baud} was answered with ${word}`);
  await pause(bench, SWITCH_MS);
  await hostTo(bench, line, baud);
  await line.say("\n\n");
  okWords(await line.ask("PING"), `PING at ${baud} baud`, 0);
}

export const RATE_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/baud/there-and-back",
    title: "A confirmed rate holds, longer than the trial, and so does the way back",
    spec: ["SPEC 5.9"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const boot = line.boot;
      await moveTo(bench, line, higher(line));
      await pause(bench, REVERTED_MS);
      okWords(await line.ask("PING"), "PING after the trial", 0);
      await moveTo(bench, line, START_BAUD);
      expectThat((await line.ask("PING")).args[0] === boot, "the device has restarted");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/unconfirmed",
    title: "A rate that no request confirms is given up: the device comes back to the rate before",
    spec: ["SPEC 5.9"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      okWord(await line.ask("BAUD", [String(higher(line))]), "BAUD");
      const from = line.heard.length;
      await pause(bench, SWITCH_MS);
      // The host did not switch: what it says is garbage there.
      await line.say(line.make("PING").bytes);
      await pause(bench, REVERTED_MS);
      await line.say("\n\n");
      const answers = (await line.sync(from)).filter(({ kind }) => kind === "frame");
      expectThat(answers.length === 0, `${answers.length} frames were read across different rates`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/every-rate",
    title: "At every rate that HELLO announces digests are right",
    spec: ["SPEC 5.9", "SPEC 5.3"],
    run: async (bench) => {
      const device = await openDevice(bench);
      for (const rate of device.hello.rates) {
        try {
          await bench.settle(device.setRate(rate), 10_000);
        } catch (error) {
          // A cable that does not carry it is none of the device's faults: both ends are back.
          if (errorCode(error) !== "DEVICE_RATE" || bench.target !== "real") throw error;
        }
        const blocks = randomBlocks(bench, sizesUpTo(12));
        const digests = await bench.settle(device.hash(blocks), 10_000);
        for (const [at, block] of blocks.entries()) expectBytes(digests[at], sha256(block), `at ${rate} baud, a block`);
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/host-climbs",
    title: "The host climbs to the best rate that both sides know, and leaves the line at 115,200",
    spec: ["SPEC 5.9"],
    run: async (bench) => {
      const device = await openDevice(bench, { climb: true });
      const [best = START_BAUD] = device.hello.rates.filter((rate) => rate <= 921_600);
      expectThat(device.baud === best || bench.target === "real", `the line is at ${device.baud}, not at ${best} baud`);
      await bench.settle(device.ping(), 5000);
      await bench.settle(device.close(), 5000);
      const next = await openDevice(bench);
      expectThat(next.baud === START_BAUD && next.info.bootId === device.info.bootId, "another boot answers");
      await next.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/refused",
    title: "A rate that was not announced is ARGS, and changes nothing",
    spec: ["SPEC 5.9", "SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const words of [["12345"], ["0"], ["0115200"], ["fast"], [], ["115200", "x"]]) {
        expectErr(await line.ask("BAUD", words), "ARGS", `BAUD ${words.join(" ")}`);
      }
      okWords(await line.ask("PING"), "PING", 0);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/present-rate",
    title: "BAUD with the present rate is answered and begins no trial",
    spec: ["SPEC 5.9"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      expectThat(okWord(await line.ask("BAUD", [String(START_BAUD)]), "BAUD") === String(START_BAUD), "another rate");
      okWords(await line.ask("PING"), "PING", 0);
      await pause(bench, REVERTED_MS);
      okWords(await line.ask("PING"), "PING after what would be a trial", 0);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/image-stays",
    title: "A change of rate does not touch the image",
    spec: ["SPEC 5.9"],
    needs: ["baud", "image"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const image = await RawImage.begin(bench, line, drawFilm(bench, 16));
      okWords(await image.rows(0, 8), "IMAGE ROWS", 0);
      await moveTo(bench, line, higher(line));
      okWords(await image.rows(8, 8), "IMAGE ROWS at another rate", 0);
      const word = okWord(await image.ask("ROOTS", "8"), "IMAGE ROOTS");
      expectThat(word === `8=${ownRoot(image.image, 8)}`, `the root is ${word}`);
      await moveTo(bench, line, START_BAUD);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/baud/restart",
    title: "Every restart brings the device back to 115,200 baud",
    spec: ["SPEC 5.9"],
    can: ["rate", "restart"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      await moveTo(bench, line, higher(line));
      const after = await restarted(bench, line);
      okWords(await after.ask("PING"), "PING after a restart", 0);
    },
  }),
];
