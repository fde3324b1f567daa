/** SPEC 5.3: digests of blocks, and that it is the device that makes them. */
import { sha256, verifyDigests } from "../../../host/device/digest.ts";
import { encodeFrame } from "../../../host/device/link/frame.ts";
import { SHA256_BYTES } from "../../../host/work/sha256.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome, randomBlocks, sizesUpTo, timed } from "./support/driver.ts";
import { expectBytes, expectDigest, expectErr, hexOf, okWord } from "./support/expect.ts";
import { RawLine } from "./support/raw-line.ts";
import { Tap } from "./support/tap.ts";

const MUST = { level: "MUST", needs: ["hash"] } as const;
/** Around the ends of SHA-256's blocks of 64 bytes and its padding of 9. */
const BOUNDARIES = [1, 2, 31, 32, 54, 55, 56, 57, 63, 64, 65, 119, 120, 121, 127, 128, 129];
/** `~0001 HASH `, SP, CRC and LF. */
const HASH_LINE_BYTES = 21;
/** A length that no cache of the device's can have met. */
const FRESH_BYTES = 48;

/** FIPS 180-4 and others' digests, as text: not computed here. */
const KNOWN: readonly (readonly [name: string, hex: string, digest: string])[] = [
  ["`abc`", "616263", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "FIPS 180-2's 56 bytes",
    hexOf(Buffer.from("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
  ["one zero byte", "00", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"],
  [
    "the genesis block's header",
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c",
    "af42031e805ff493a07341e2f74ff58149d22ab9ba19f61343e2c86c71c5d66d",
  ],
];

export const HASH_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/hash/known-answers",
    title: "HASH gives the published digests of published messages",
    spec: ["SPEC 5.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const [name, hex, digest] of KNOWN) {
        const said = okWord(await line.ask("HASH", [hex]), "HASH");
        expectThat(said === digest, `the digest of ${name} is ${said}, not ${digest}`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/boundaries",
    title: "HASH is right at every length around SHA-256's block ends, and for the longest block",
    spec: ["SPEC 5.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const most = Math.min(line.hello.maxBlockBytes, Math.floor((line.lineBytes - HASH_LINE_BYTES) / 2));
      const sizes = [...BOUNDARIES.filter((size) => size < most), most];
      for (const block of randomBlocks(bench, sizes)) {
        const word = okWord(await line.ask("HASH", [hexOf(block)]), `HASH of ${block.length} bytes`);
        expectDigest(word, block, `${block.length} bytes`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/too-long",
    title: "A block longer than maxBlock is LENGTH",
    spec: ["SPEC 5.3", "SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const block = "00".repeat(line.hello.maxBlockBytes + 1);
      // A line that does not fit is dropped, which another case looks at.
      if (line.fits("HASH", [block])) expectErr(await line.ask("HASH", [block]), "LENGTH", "a block too long");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/no-hex",
    title: "A block that is not an even number of small hexadecimal digits is HEX",
    spec: ["SPEC 5.3", "SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const word of ["0", "000", "0g", "AB", "0x00", "00-1", "616_"]) {
        expectErr(await line.ask("HASH", [word]), "HEX", `HASH ${word}`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/one-by-one",
    title: "Fifty blocks, one after the other, are right; each one's time is measured",
    spec: ["SPEC 5.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const block of randomBlocks(bench, new Array(50).fill(64))) {
        const reply = await timed(bench, "hash-64-bytes", () => line.ask("HASH", [hexOf(block)]));
        expectDigest(okWord(reply, "HASH"), block, "a block");
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/many-at-once",
    title: "The host's digests of many blocks are those of their blocks, in their order",
    spec: ["SPEC 5.3", "SPEC 4.1"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const sizes = [...sizesUpTo(Math.min(60, device.hello.maxBlockBytes)), ...new Array(60).fill(16)];
      const blocks = randomBlocks(bench, sizes);
      const digests = await timed(bench, "hash-120-blocks", () => bench.settle(device.hash(blocks), 20_000));
      for (const [at, block] of blocks.entries()) expectBytes(digests[at], sha256(block), `block ${at + 1}`);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/host-refuses-too-long",
    title: "The host sends no block that HELLO does not allow, and none that is empty",
    spec: ["SPEC 5.3", "SPEC 9"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const before = tap.sent.length;
      for (const size of [0, device.hello.maxBlockBytes + 1]) {
        const code = await outcome(bench.settle(device.hash([Buffer.alloc(size)]), 5000));
        expectThat(code === "DEVICE_LIMIT", `a block of ${size} bytes ended in ${code}`);
      }
      expectThat(tap.sent.length === before, "something was sent");
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/crosses-the-line",
    title: "A digest is the device's: the block goes over the line, and the answer bears the boot id of HELLO",
    spec: ["SPEC 1", "DESIGN 5"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const { bootId } = device.info;
      for (const block of randomBlocks(bench, [FRESH_BYTES, FRESH_BYTES])) {
        const [sent, replies] = [tap.sent.length, tap.replies.length];
        const [digest] = await bench.settle(device.hash([block]), 10_000);
        const asked = tap.sent.slice(sent).filter(({ args, payload }) => {
          return args.includes(hexOf(block)) || (payload !== undefined && hexOf(payload) === hexOf(block));
        });
        expectThat(asked.length > 0, "the block did not go over the line");
        const answer = tap.replies.slice(replies).find(({ seq }) => asked.some((frame) => frame.seq === seq));
        expectThat(answer?.args[0] === bootId, `the answer bears boot id ${answer?.args[0]}, HELLO's was ${bootId}`);
        const said = answer.payload === undefined ? answer.args[1] : hexOf(answer.payload);
        expectThat(digest !== undefined && said === hexOf(digest), "the digest is not the one that came over the line");
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/stops-when-cut",
    title: "Hashing stops when the line is cut: nothing else answers in the device's place",
    spec: ["SPEC 1", "DESIGN 5"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const [before = Buffer.alloc(1), after = Buffer.alloc(1)] = randomBlocks(bench, [FRESH_BYTES, FRESH_BYTES]);
      expectBytes((await bench.settle(device.hash([before]), 5000))[0], sha256(before), "the block");
      tap.cut = true;
      const code = await outcome(bench.settle(device.hash([after], { deadlineMs: 400 }), 5000));
      expectThat(code === "DEVICE_DEADLINE", `with the line cut, hashing ended in ${code}`);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hash/tells-a-wrong-one",
    title: "A digest that was falsified on the way is handed out as it came, and told from the host's own",
    spec: ["SPEC 1", "SPEC 11"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const blocks = randomBlocks(bench, [FRESH_BYTES]);
      const own = blocks.map(sha256);
      const honest = await bench.settle(verifyDigests(device, blocks, own), 5000);
      expectThat(honest.mismatches.length === 0, "an honest digest was told for a wrong one");
      const lie = Buffer.alloc(SHA256_BYTES, 0xab);
      // As one word of HASH or as BATCH's payload.
      tap.deliver = (frames) =>
        frames.map(({ payload, ...frame }) =>
          payload === undefined
            ? encodeFrame({ ...frame, args: [frame.args[0] ?? "", hexOf(lie)] })
            : encodeFrame({ ...frame, payload: lie }),
        );
      const check = await bench.settle(verifyDigests(device, blocks, own), 5000);
      expectBytes(check.digests[0], lie, "what was handed out");
      expectThat(check.mismatches.length === 1, "the wrong digest was not told");
      tap.deliver = undefined;
      await device.close();
    },
  }),
];
