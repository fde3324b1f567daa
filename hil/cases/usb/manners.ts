/** What keeps a device from being a nuisance, and a host from waiting: how much it says, when, and how soon. */
import { sleep } from "../../../host/device/clock.ts";
import { encodeFrame, frameBytes, type LinkEvent } from "../../../host/device/link/frame.ts";
import { parseWork } from "../../../host/device/session/work-status.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { randomBlocks, timed } from "./support/driver.ts";
import { expectDigest, hexOf, okPayload, okWord, okWords } from "./support/expect.ts";
import { drawFilm, RawImage } from "./support/films.ts";
import { RawLine } from "./support/raw-line.ts";
import { drawJob, ended, endsHeard, HOPELESS, start, statusOf } from "./support/searches.ts";

const MUST = { level: "MUST", needs: [] } as const;
const SHOULD = { ...MUST, level: "SHOULD" } as const;
const SILENT_MS = 800;
const NAKS_A_SECOND = 10;
const DAMAGED = 40;
const SHORT_LINE_BYTES = 512;
/** `~0001 HASH `, SP, CRC and LF. */
const HASH_LINE_BYTES = 21;
/** Of a notice every 2 s, and of a device that looks now and then. */
const NOTICE_MS = 2750;
/** SPEC 4.2, and what a host's own scheduling may add. */
const ROOTS_MS = { device: 1000, block: 0.1, host: 50 };
/** No bit of the version may be changed: what there is to try is soon tried. */
const ONE_VERSION = 0;

/** Requests of every command that have short answers, good and bad. */
const SHORT: readonly (readonly [capability: string, verb: string, args: readonly string[]])[] = [
  ["", "PING", []],
  ["", "PING", ["x"]],
  ["", "FLASH", ["x".repeat(200)]],
  ["", "HASH", ["00"]],
  ["", "HASH", ["x"]],
  ["health", "HEALTH", []],
  ["work", "WORK", ["STATUS", "0badc0de"]],
  ["attest", "ATTEST", ["11".repeat(32), "22".repeat(32)]],
  ["image", "IMAGE", ["ROOTS", "0badc0de", "8"]],
  ["baud", "BAUD", ["1"]],
  ["log", "LOG", ["0"]],
  ["reset", "RESET", ["0badc0de"]],
];

/** One block a line, as many and as long as the credits allow in bytes; the last one takes the rest. */
function fillBytes({ hello: { credits, maxBlockBytes }, lineBytes }: RawLine): number[] {
  const most = Math.min(maxBlockBytes, Math.floor((lineBytes - HASH_LINE_BYTES) / 2));
  const sizes: number[] = [];
  for (let left = credits.bytes; sizes.length < credits.lines; ) {
    const size = Math.min(most, Math.floor((left - HASH_LINE_BYTES) / 2));
    if (size < 1) break;
    sizes.push(size);
    left -= HASH_LINE_BYTES + 2 * size;
  }
  return sizes;
}

function isRunning(event: LinkEvent, id: string): boolean {
  if (event.kind !== "frame" || event.frame.seq !== 0 || event.frame.verb !== "WORK") return false;
  const status = parseWork(event.frame.args.slice(1));
  return status?.id === id && status.state === "running";
}

async function expectSoon(bench: UsbBench, blocks: number, of: string, work: () => Promise<unknown>): Promise<void> {
  const startMs = bench.clock.nowMs();
  await work();
  const tookMs = bench.clock.nowMs() - startMs;
  const mostMs = ROOTS_MS.device + ROOTS_MS.block * blocks + ROOTS_MS.host;
  expectThat(tookMs <= mostMs, `${of} of ${blocks} blocks took ${Math.round(tookMs)} ms, not ${Math.round(mostMs)}`);
}

export const MANNERS_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...SHOULD,
    id: "usb/line/silence",
    title: "A device that is asked nothing is silent",
    spec: ["SPEC 2"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      await line.sync();
      const from = line.heard.length;
      await bench.settle(sleep(bench.clock, SILENT_MS), 2 * SILENT_MS);
      const said = line.heard.length - from;
      expectThat(said === 0, `it said ${said} lines within ${SILENT_MS} ms`);
    },
  }),
  usbCase({
    ...SHOULD,
    id: "usb/line/few-naks",
    title: "Of many damaged lines a device tells at most ten in a second",
    spec: ["SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const from = line.heard.length;
      const startMs = bench.clock.nowMs();
      for (let lines = 0; lines < DAMAGED; lines += 10) {
        await line.say(Array.from({ length: 10 }, (_, at) => `~000${at} PING 00000000\n`).join(""));
        await line.sync();
      }
      const naks = line.heard.slice(from).filter((event) => event.kind === "frame" && event.frame.verb === "NAK");
      const most = NAKS_A_SECOND * Math.ceil((bench.clock.nowMs() - startMs) / 1000);
      expectThat(naks.length <= most, `${naks.length} NAKs for ${DAMAGED} damaged lines, at most ${most} are right`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/short-answers",
    title: "Every answer but those of BATCH and IMAGE DIGESTS has at most 512 bytes, as has every notice",
    spec: ["SPEC 3.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const [capability, verb, args] of SHORT) {
        if (capability === "" || line.hello.capabilities.has(capability as never)) await line.ask(verb, args);
      }
      if (line.hello.capabilities.has("image")) {
        const image = await RawImage.begin(bench, line, drawFilm(bench, 32));
        await image.fill();
        okWords(await image.ask("ROOTS", "1,2,16,32"), "IMAGE ROOTS", 4);
      }
      await line.say("~0001 PING 00000000\n");
      await line.sync();
      for (const event of line.heard) {
        if (event.kind !== "frame") continue;
        const bytes = frameBytes(event.frame);
        expectThat(bytes <= SHORT_LINE_BYTES, `${event.frame.verb} ${event.frame.args[1] ?? ""} has ${bytes} bytes`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/whole-window-of-bytes",
    title: "As many bytes as the credits allow may be sent in one piece, and every request of them is answered",
    spec: ["SPEC 4.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const sizes = fillBytes(line);
      const blocks = randomBlocks(bench, sizes);
      const requests = blocks.map((block) => line.make("HASH", [hexOf(block)]));
      const bytes = Buffer.concat(requests.map((request) => request.bytes));
      const { credits } = line.hello;
      const full = bytes.length > credits.bytes - 2 * HASH_LINE_BYTES || sizes.length === credits.lines;
      expectThat(full && bytes.length <= credits.bytes, `the case sends ${bytes.length} of ${credits.bytes} bytes`);
      await line.say(bytes);
      for (const [at, block] of blocks.entries()) {
        const reply = await line.reply(requests[at]?.seq ?? 0);
        expectDigest(okWord(reply, "HASH"), block, `block ${at + 1} of ${sizes.length}`);
      }
    },
  }),
  usbCase({
    ...SHOULD,
    id: "usb/image/prompt",
    title: "Roots and digests of an image are answered within a second and 0.1 ms a block",
    spec: ["SPEC 4.2"],
    needs: ["image"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const side = 64;
      const image = await RawImage.begin(bench, line, drawFilm(bench, side));
      await image.fill();
      const blocks = (side / 2) ** 2 + (side / 4) ** 2;
      await expectSoon(bench, blocks, "ROOTS", async () => {
        okWords(await timed(bench, "image-roots-64", () => image.ask("ROOTS", "2,4")), "IMAGE ROOTS", 2);
      });
      const most = Math.min(60, Math.floor((line.hello.maxReplyBytes - 40) / 33));
      await expectSoon(bench, most, "DIGESTS", async () => {
        const reply = await timed(bench, "image-digests", () => image.ask("DIGESTS", "2", "0", String(most)));
        okPayload(reply, "IMAGE DIGESTS");
      });
    },
  }),
  usbCase({
    ...SHOULD,
    id: "usb/work/tells-how-it-goes",
    title: "While it searches the device says so every 2 s, unasked",
    spec: ["SPEC 5.6"],
    needs: ["work"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS });
      statusOf(await start(line, job), "WORK START");
      const over = (event: LinkEvent) => isRunning(event, job.id) || endsHeard([event], job.id).length > 0;
      await line.until(over, 0, NOTICE_MS);
      await line.ask("WORK", ["STOP", job.id]);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/exhausted",
    title: "A search that has tried everything and found nothing ends `exhausted`, and says so once",
    spec: ["SPEC 5.6"],
    needs: ["work"],
    can: ["exhausts"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS, versionMask: ONE_VERSION });
      statusOf(await start(line, job), "WORK START");
      const end = await timed(bench, "work-exhausted", () => ended(line, job.id));
      expectThat(end.state === "exhausted", `the search ended ${end.state}`);
      expectThat(end.found === undefined && end.hashes > 0n, `it ended after ${end.hashes} hashes`);
      const later = statusOf(await line.ask("WORK", ["STATUS", job.id]), "WORK STATUS");
      const same = later.state === "exhausted" && later.hashes === end.hashes && later.elapsedMs === end.elapsedMs;
      expectThat(same, "the result has changed");
      await line.sync();
      const ends = endsHeard(line.heard, job.id);
      expectThat(ends.length === 1, `${ends.length} notices of one end`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/over-a-lost-start",
    title: "START sent twice, as a host does whose answer was lost, is one search",
    spec: ["SPEC 4.2", "SPEC 5.6"],
    needs: ["work"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { id, words } = drawJob(bench, { difficulty: HOPELESS });
      const bytes = encodeFrame({ seq: line.nextSeq(), verb: "WORK", args: ["START", id, ...words] });
      await line.say(Buffer.concat([bytes, bytes]));
      await line.sync();
      const states = line.heard.flatMap((event) =>
        event.kind === "frame" && event.frame.verb === "OK" && event.frame.args[1] === id ? [event.frame.args[2]] : [],
      );
      expectThat(states.join() === "running,running" || states.includes("exhausted"), `it is ${states.join()}`);
      await line.ask("WORK", ["STOP", id]);
    },
  }),
];
