/** SPEC 5.4: many blocks in one line. */

import { sha256 } from "../../../host/device/digest.ts";
import { decodeCobs } from "../../../host/device/link/cobs.ts";
import { merkleRoot } from "../../../host/work/merkle.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, randomBlocks, timed } from "./support/driver.ts";
import { expectBytes, expectErr, expectUnanswered, hexOf, okPayload, okWord } from "./support/expect.ts";
import { RawLine } from "./support/raw-line.ts";
import { Tap } from "./support/tap.ts";

const MUST = { level: "MUST", needs: ["batch"] } as const;

function ownDigests(blocks: readonly Uint8Array[]): Buffer {
  return Buffer.concat(blocks.map(sha256));
}

/** Where zeros, line feeds and full groups stand: what stuffing may get wrong. */
const STUFFED: readonly Buffer[] = [
  Buffer.of(0),
  Buffer.of(0, 0, 0),
  Buffer.of(10, 10),
  Buffer.of(0, 10, 0),
  Buffer.alloc(253, 1),
  Buffer.alloc(254, 1),
  Buffer.alloc(255, 1),
  Buffer.concat([Buffer.alloc(254, 1), Buffer.of(0)]),
  Buffer.concat([Buffer.of(0), Buffer.alloc(254, 10)]),
  Buffer.concat([Buffer.alloc(253, 11), Buffer.of(0, 1)]),
  Buffer.alloc(300, " :"),
];

export const BATCH_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/batch/digests",
    title: "BATCH gives the digests of its blocks, in their order",
    spec: ["SPEC 5.4"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const [size, count] of [
        [1, 1],
        [1, 9],
        [64, 4],
        [55, 3],
        [119, 2],
      ] as const) {
        const blocks = randomBlocks(bench, new Array(count).fill(size));
        const reply = await line.ask("BATCH", [String(size), "digests"], Buffer.concat(blocks));
        expectBytes(okPayload(reply, "BATCH"), ownDigests(blocks), `${count} blocks of ${size} bytes`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/batch/root",
    title: "BATCH gives the RFC 9162 root of its digests, for even and odd numbers of blocks",
    spec: ["SPEC 5.4"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 17]) {
        const blocks = randomBlocks(bench, new Array(count).fill(4));
        const root = okWord(await line.ask("BATCH", ["4", "root"], Buffer.concat(blocks)), "BATCH");
        const own = hexOf(merkleRoot(ownDigests(blocks)));
        expectThat(root === own, `the root of ${count} blocks is ${root}, the host's own is ${own}`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/batch/stuffing",
    title: "Payloads with zeros, line feeds, colons and full groups arrive as they were",
    spec: ["SPEC 3.4"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const block of STUFFED) {
        const reply = await line.ask("BATCH", [String(block.length), "digests"], block);
        expectBytes(okPayload(reply, "BATCH"), sha256(block), `a payload of ${block.length} bytes`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/batch/refused",
    title: "Sizes and payloads that do not go together are refused by name",
    spec: ["SPEC 5.4", "SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const five = Buffer.alloc(5, 1);
      const tooLong = String(line.hello.maxBlockBytes + 1);
      expectErr(await line.ask("BATCH", ["2", "root"], five), "PAYLOAD", "5 bytes of blocks of 2");
      expectErr(await line.ask("BATCH", ["6", "root"], five), "PAYLOAD", "5 bytes of blocks of 6");
      expectErr(await line.ask("BATCH", ["0", "root"], five), "ARGS", "blocks of 0 bytes");
      expectErr(await line.ask("BATCH", ["05", "root"], five), "ARGS", "a number with a leading zero");
      expectErr(await line.ask("BATCH", [tooLong, "root"], five), "LENGTH", "blocks longer than maxBlock");
      expectErr(await line.ask("BATCH", ["5", "sum"], five), "ARGS", "BATCH for a sum");
      expectErr(await line.ask("BATCH", ["5", "root"]), "ARGS", "BATCH without a payload");
      expectErr(await line.ask("BATCH", ["5"], five), "ARGS", "BATCH without a wish");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/batch/reply-too-long",
    title: "Digests that do not fit the device's line are LENGTH; one block less is answered",
    spec: ["SPEC 5.4", "SPEC 3.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const most = line.hello.maxReplyBytes;
      let fits = Math.floor((most - 29) / 32);
      while (29 + fits * 32 + Math.ceil((fits * 32) / 254) > most) fits -= 1;
      const blocks = Buffer.alloc(fits + 1, 3);
      if (!line.fits("BATCH", ["1", "digests"], blocks)) return;
      expectErr(await line.ask("BATCH", ["1", "digests"], blocks), "LENGTH", `${fits + 1} digests`);
      const digests = okPayload(await line.ask("BATCH", ["1", "digests"], blocks.subarray(1)), `${fits} digests`);
      expectBytes(digests, ownDigests(new Array(fits).fill(Buffer.of(3))), `${fits} digests`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/batch/no-memory",
    title: "A BATCH stands for itself: the same line again is answered with the same bytes",
    spec: ["SPEC 5.4", "SPEC 4.2"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const blocks = randomBlocks(bench, [8, 8, 8]);
      const { seq, bytes } = line.make("BATCH", ["8", "digests"], Buffer.concat(blocks));
      for (let times = 0; times < 2; times++) {
        const from = line.heard.length;
        await line.say(bytes);
        expectBytes(okPayload(await line.reply(seq, from), "BATCH"), ownDigests(blocks), "the digests");
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/batch/broken-stuffing",
    title: "A payload whose group reaches over its end is damage, though the CRC is right",
    spec: ["SPEC 3.4"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const payload = Buffer.of(0x05 ^ 10, 1 ^ 10, 2 ^ 10);
      expectThat(decodeCobs(payload) === undefined, "the case's payload is no damage");
      const from = line.heard.length;
      await line.say(line.makeRaw("BATCH 2 root", payload));
      expectUnanswered(await line.sync(from), "a payload that breaks off");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/batch/host-shares-lines",
    title: "The host puts small blocks together, and its digests are right all the same",
    spec: ["SPEC 5.4"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const blocks = randomBlocks(bench, new Array(150).fill(16));
      const digests = await timed(bench, "batch-150-blocks", () => bench.settle(device.hash(blocks), 20_000));
      for (const [at, block] of blocks.entries()) expectBytes(digests[at], sha256(block), `block ${at + 1}`);
      const lines = tap.sent.filter(({ verb }) => verb === "BATCH" || verb === "HASH").length;
      expectThat(lines < blocks.length, `${lines} lines for ${blocks.length} blocks`);
      await device.close();
    },
  }),
];
