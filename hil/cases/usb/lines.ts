/** SPEC 2 and 3: bytes, lines, frames and what is none. */
import { crc32 } from "node:zlib";
import { sha256 } from "../../../host/device/digest.ts";
import type { LinkEvent } from "../../../host/device/link/frame.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { seeded } from "./support/driver.ts";
import { expectBytes, expectDigest, expectErr, expectUnanswered, okPayload, okWord } from "./support/expect.ts";
import { RawLine } from "./support/raw-line.ts";

const ABC = Buffer.from("abc");
const ABC_HEX = "616263";
const LINE_FEED = Buffer.from("\n");
/** Of a PING after what is sent in one go, and a line to spare. */
const SPARE_BYTES = 100;

const MUST = { level: "MUST", needs: [] } as const;

/** A line that ends with a right CRC, whatever stands before it. */
function signed(body: string): Buffer {
  const crc = crc32(Buffer.from(body, "latin1")).toString(16).padStart(8, "0");
  return Buffer.from(`${body}${crc}\n`, "latin1");
}

/** What a device surely takes in at once: its credits, which damaged lines take up too, as long as they are not read. */
function roomFor({ hello }: RawLine): number {
  return Math.min(2048, hello.credits.bytes - SPARE_BYTES);
}

async function expectAbc(line: RawLine): Promise<void> {
  expectDigest(okWord(await line.ask("HASH", [ABC_HEX]), "HASH"), ABC, "`abc`");
}

/** Says what is no request, and sees that nothing comes of it and that the next line is read. */
async function expectIgnored(line: RawLine, bytes: Uint8Array, of: string): Promise<readonly LinkEvent[]> {
  const from = line.heard.length;
  await line.say(bytes);
  const heard = await line.sync(from);
  expectUnanswered(heard, of);
  await expectAbc(line);
  return heard;
}

function naksOf(heard: readonly LinkEvent[]): string[] {
  return heard.flatMap((event) =>
    event.kind === "frame" && event.frame.verb === "NAK" ? [event.frame.args[1] ?? ""] : [],
  );
}

/** A device may leave NAKs out; those it sends say why. */
function expectNaks(heard: readonly LinkEvent[], reasons: readonly string[], of: string): void {
  const other = naksOf(heard).find((reason) => !reasons.includes(reason));
  expectThat(other === undefined, `${of} was answered with NAK ${other}, not ${reasons.join(" or ")}`);
}

/** Every line that differs from `bytes` in one bit. */
function* flipped(bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ (1 << bit);
      yield Buffer.concat([copy, LINE_FEED]);
    }
  }
}

async function tryEveryFlip(bench: UsbBench): Promise<void> {
  const line = await RawLine.open(bench);
  const { bytes } = line.make("HASH", [ABC_HEX]);
  const goBytes = roomFor(line);
  const lines = [...flipped(bytes.subarray(0, -1))];
  while (lines.length > 0) {
    const from = line.heard.length;
    const go: Buffer[] = [];
    for (let sum = 0; lines.length > 0 && sum < goBytes; sum += bytes.length) go.push(...lines.splice(0, 1));
    await line.say(Buffer.concat(go));
    expectUnanswered(await line.sync(from), "a HASH with one bit flipped");
  }
  await expectAbc(line);
}

const BROKEN: Readonly<Record<string, (seq: string) => string>> = {
  "two spaces before the verb": (seq) => `~${seq}  PING `,
  "two spaces before the CRC": (seq) => `~${seq} PING  `,
  "a verb in small letters": (seq) => `~${seq} ping `,
  "a verb that begins with a digit": (seq) => `~${seq} 1PING `,
  "a verb of 17 letters": (seq) => `~${seq} PINGPINGPINGPINGP `,
  "a number of three digits": (seq) => `~${seq.slice(1)} PING `,
  "a number in capital letters": () => "~00AB PING ",
  "no verb": (seq) => `~${seq} `,
  "an empty payload": (seq) => `~${seq} HASH : `,
  "a byte above 7e in a word": (seq) => `~${seq} HASH \x80 `,
  "a tab for a space": (seq) => `~${seq}\tPING `,
};

export const LINE_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/line/all-bytes",
    title: "All 256 byte values pass the line unchanged, both ways",
    spec: ["SPEC 2", "SPEC 3.4"],
    needs: ["batch"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const block = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
      expectBytes(okPayload(await line.ask("BATCH", ["256", "digests"], block), "BATCH"), sha256(block), "the digest");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/empty-lines-and-cr",
    title: "Empty lines mean nothing, and one CR before LF does not count",
    spec: ["SPEC 3.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      await expectIgnored(line, Buffer.from("\n\r\n\n"), "an empty line");
      const { seq, bytes } = line.make("HASH", [ABC_HEX]);
      await line.say(Buffer.concat([bytes.subarray(0, -1), Buffer.from("\r\n")]));
      expectDigest(okWord(await line.reply(seq), "HASH before a CR"), ABC, "`abc`");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/log-is-not-answered",
    title: "What a person, a program or a modem manager says is not answered, and harms nothing",
    spec: ["SPEC 3.5"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const words = ["AT", "AT+GCAP\r", "ATE0V1", "hello", "OK", ":", "? ", " ~0001 PING 2d39f3e2", "PING"];
      const heard = await expectIgnored(line, Buffer.from(`${words.join("\n")}\n`), "log");
      expectThat(naksOf(heard).length === 0, "log was answered with NAK");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/question-mark",
    title: "A line of `?` is answered with one readable line that is no frame",
    spec: ["SPEC 3.5"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const from = line.heard.length;
      await line.say("?\n");
      const logs = (await line.sync(from)).filter(({ kind }) => kind === "log");
      expectThat(logs.length === 1, `it was answered with ${logs.length} lines`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/bad-crc",
    title: "A line with a wrong CRC is not executed, and the next line is",
    spec: ["SPEC 3.3", "SPEC 3.5"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { bytes } = line.make("HASH", [ABC_HEX]);
      const other = bytes.at(-2) === 0x30 ? "1" : "0";
      const bad = Buffer.concat([bytes.subarray(0, -2), Buffer.from(`${other}\n`)]);
      expectNaks(await expectIgnored(line, bad, "a HASH with a wrong CRC"), ["CRC"], "a wrong CRC");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/one-bit-flipped",
    title: "No line in which one bit was flipped is executed, whichever bit it is",
    spec: ["SPEC 3.3", "SPEC 3.5"],
    run: tryEveryFlip,
  }),
  usbCase({
    ...MUST,
    id: "usb/line/one-way-to-write",
    title: "What breaks the grammar is no frame, though its CRC is right",
    spec: ["SPEC 3.2", "SPEC 3.5"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const [what, body] of Object.entries(BROKEN)) {
        const seq = line.nextSeq().toString(16).padStart(4, "0");
        const heard = await expectIgnored(line, signed(body(seq)), what);
        expectNaks(heard, ["FORM", "BYTES"], what);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/crc-in-capitals",
    title: "A CRC in capital letters is damage",
    spec: ["SPEC 3.2"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      let bytes = line.make("PING").bytes;
      while (!/[a-f]/.test(bytes.toString("latin1", bytes.length - 9))) bytes = line.make("PING").bytes;
      const capitals = bytes.toString("latin1", bytes.length - 9).toUpperCase();
      const bad = Buffer.concat([bytes.subarray(0, -9), Buffer.from(capitals)]);
      expectNaks(await expectIgnored(line, bad, "a CRC in capitals"), ["FORM"], "a CRC in capitals");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/over-long",
    title: "A line longer than the device holds is dropped up to its LF, and the next one is read",
    spec: ["SPEC 3.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const long = Buffer.from(`~${"x".repeat(4 * line.hello.maxLineBytes)}\n`);
      expectNaks(await expectIgnored(line, long, "an over-long line"), ["LONG", "FORM"], "an over-long line");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/longest",
    title: "A line of exactly the announced length is read, and so is one with a CR more",
    spec: ["SPEC 3.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      // `~0001 PING `, SP, CRC and LF.
      const word = "x".repeat(line.lineBytes - 21);
      for (const end of ["\n", "\r\n"]) {
        const { seq, bytes } = line.make("PING", [word]);
        expectThat(bytes.length === line.lineBytes, "the case's line is not the longest");
        await line.say(Buffer.concat([bytes.subarray(0, -1), Buffer.from(end)]));
        expectErr(await line.reply(seq), ["ARGS", "VERB"], "PING with a word of the longest line");
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/byte-by-byte",
    title: "A line ends with LF, not with a pause: a request is read however it was cut",
    spec: ["SPEC 3.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { seq, bytes } = line.make("HASH", [ABC_HEX]);
      for (const byte of bytes) await line.say(Buffer.of(byte));
      expectDigest(okWord(await line.reply(seq), "HASH in pieces"), ABC, "`abc`");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/garbage",
    title: "Random bytes and a line's end leave a device that reads the next line",
    spec: ["SPEC 3.1", "SPEC 3.5"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const length of [1, 64, 400, roomFor(line)]) {
        const noise = Buffer.concat([seeded(bench).bytes(length), LINE_FEED]);
        const from = line.heard.length;
        await line.say(noise);
        expectUnanswered(await line.sync(from), `${length} random bytes`);
      }
      await expectAbc(line);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/line/half-line-before-hello",
    title: "A host that comes while half a line stands there is heard",
    spec: ["SPEC 6"],
    run: async (bench) => {
      const line = await RawLine.connect(bench);
      await line.say("~0001 HAS");
      await line.greet();
      await expectAbc(line);
    },
  }),
];
