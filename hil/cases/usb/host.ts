/** What the host's driver must bear of a line and a device (SPEC 3 to 6). What is heard is changed here, on its way in. */
import { sha256 } from "../../../host/device/digest.ts";
import { encodeFrame, type Frame } from "../../../host/device/link/frame.ts";
import type { UsbDevice } from "../../../host/device/usb/usb-device.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome, randomBlocks, seeded, sizesUpTo } from "./support/driver.ts";
import { expectBytes } from "./support/expect.ts";
import { Tap } from "./support/tap.ts";

const MUST = { level: "MUST", needs: [] } as const;
const BLOCKS = 24;
const HASHING_MS = 20_000;
const VERSION = 0x20000000;
/** Longer than any line that a device may write. */
const ENDLESS = Buffer.alloc(100_000, "~");

async function connect(bench: UsbBench): Promise<{ tap: Tap; device: UsbDevice }> {
  const tap = new Tap();
  return { tap, device: await openDevice(bench, { wrap: tap.through }) };
}

/** Many blocks, each in a line of its own. */
async function expectRight(bench: UsbBench, device: UsbDevice): Promise<void> {
  const blocks = randomBlocks(bench, sizesUpTo(BLOCKS));
  const digests = await bench.settle(device.hash(blocks), HASHING_MS);
  for (const [at, block] of blocks.entries()) expectBytes(digests[at], sha256(block), `block ${at + 1}`);
}

/** Digests are right whatever `deliver` makes of the answers. */
function bears(
  id: string,
  title: string,
  spec: readonly string[],
  deliver: (frames: readonly Frame[], bench: UsbBench) => readonly Uint8Array[],
): Case<"usb"> {
  return usbCase({
    ...MUST,
    id: `usb/host/${id}`,
    title,
    spec,
    run: async (bench) => {
      const { tap, device } = await connect(bench);
      tap.deliver = (frames) => deliver(frames, bench);
      await expectRight(bench, device);
      tap.deliver = undefined;
      await device.close();
    },
  });
}

/** The host repeats a request whose answer did not come, with the same bytes, and then has it right. */
function repeats(
  id: string,
  title: string,
  spec: readonly string[],
  spoil: (reply: Frame) => readonly Uint8Array[],
): Case<"usb"> {
  return usbCase({
    ...MUST,
    id: `usb/host/${id}`,
    title,
    spec,
    run: async (bench) => {
      const { tap, device } = await connect(bench);
      let spoilt: Frame | undefined;
      tap.deliver = (frames) =>
        frames.flatMap((frame) => {
          if (spoilt !== undefined || frame.verb !== "OK") return [encodeFrame(frame)];
          spoilt = frame;
          return spoil(frame);
        });
      await expectRight(bench, device);
      const sent = tap.sent
        .filter(({ seq }) => seq === spoilt?.seq)
        .map((frame) => encodeFrame(frame).toString("latin1"));
      expectThat(sent.length === 2, `the request whose answer was spoilt was sent ${sent.length} times`);
      expectThat(sent[0] === sent[1], "the repeated request has other bytes");
      tap.deliver = undefined;
      await device.close();
    },
  });
}

/** Another digit, as one flipped bit may make it, under the checksum of before. */
function withWrongDigit(frame: Frame): Buffer {
  const bytes = encodeFrame(frame);
  // The last digit of the last word, or the payload's last byte.
  const at = bytes.length - 11;
  bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30;
  return bytes;
}

function inPieces(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** A device that has found at once what it has not. */
function falseProof(lie: {
  readonly id: string;
  readonly title: string;
  readonly target: Uint8Array;
  readonly version: string;
}): Case<"usb"> {
  return usbCase({
    ...MUST,
    id: `usb/host/${lie.id}`,
    title: lie.title,
    spec: ["SPEC 5.6", "SPEC 11"],
    needs: ["work"],
    run: async (bench) => {
      const { tap, device } = await connect(bench);
      const found = ["found", "elapsedMs=5", "hashes=4294967296", "nonce=0badc0de", `version=${lie.version}`];
      const claim = (frame: Frame) => ({ ...frame, args: [...frame.args.slice(0, 2), ...found] });
      // Of START, whatever the device made of it, and without its own notice.
      tap.deliver = (frames) => encoded(frames.filter(({ seq }) => seq !== 0).map(claim));
      const header = Buffer.alloc(80);
      header.writeUInt32LE(VERSION, 0);
      const job = { header, target: lie.target, versionMask: 0x1fffe000, deadlineMs: 5000 };
      const code = await outcome(bench.settle(device.work(job), HASHING_MS));
      expectThat(code === "DEVICE_WORK_FALSE", `the search ended in ${code}`);
      tap.deliver = undefined;
      await device.close();
    },
  });
}

const encoded = (frames: readonly Frame[]) => frames.map(encodeFrame);

export const HOST_CASES: readonly Case<"usb">[] = [
  repeats(
    "checks-the-crc",
    "An answer with one digit wrong is not believed: the request is sent again",
    ["SPEC 3.3", "SPEC 3.5", "SPEC 4.2"],
    (reply) => [withWrongDigit(reply)],
  ),
  repeats("lost-answer", "A request whose answer was lost is sent again, with the same bytes", ["SPEC 4.2"], () => []),
  repeats(
    "broken-answer",
    "An answer that breaks off is not believed, and does not spoil the next",
    ["SPEC 3.5", "SPEC 4.2"],
    (reply) => {
      const bytes = encodeFrame(reply);
      return [bytes.subarray(0, bytes.length >> 1), Buffer.from("\n")];
    },
  ),
  bears("second-answers", "A second answer to one request is ignored", ["SPEC 4.2"], (frames) =>
    encoded(frames.flatMap((frame) => [frame, frame])),
  ),
  bears("any-order", "Answers in another order are matched by their numbers alone", ["SPEC 4.1"], (frames) =>
    encoded(frames.toReversed()),
  ),
  bears("byte-by-byte", "Answers that come byte by byte are the same answers", ["SPEC 3.1"], (frames) =>
    encoded(frames).flatMap(inPieces),
  ),
  bears("log-between", "Log between answers is heard as log, whatever it says", ["SPEC 3.5", "SPEC 6"], (frames) => [
    Buffer.from("I (17) app: 0123456789abcdef ~0001 OK\nba7816bf\n\n"),
    ...encoded(frames),
  ]),
  {
    ...bears("colours", "Colours that a log leaves around an answer do not spoil it", ["SPEC 3.5"], (frames) =>
      frames.map((frame) =>
        Buffer.from(`\x1b[0;32m${encodeFrame(frame).toString("latin1").trimEnd()}\x1b[0m\n`, "latin1"),
      ),
    ),
    level: "SHOULD",
  },
  bears(
    "unasked",
    "Answers that nobody asked for, and notices of another kind, are ignored",
    ["SPEC 4.1"],
    (frames) => {
      const [boot = ""] = frames[0]?.args ?? [];
      const strange = [
        { seq: 0, verb: "NAK", args: [boot, "CRC"] },
        { seq: 0, verb: "OK", args: [boot, "ab".repeat(32)] },
        { seq: 0, verb: "NEWS", args: [boot] },
        { seq: 0x1234, verb: "HASH", args: ["00"] },
      ];
      return encoded([...strange, ...frames]);
    },
  ),
  bears("endless-line", "A line without an end is dropped, and the next one is read", ["SPEC 3.1"], (frames) => [
    ENDLESS,
    Buffer.from("\n"),
    ...encoded(frames),
  ]),
  bears("garbage-between", "Random bytes between answers make no answer", ["SPEC 3.5"], (frames, bench) => [
    seeded(bench).bytes(64),
    Buffer.from("\n"),
    ...encoded(frames),
  ]),
  usbCase({
    ...MUST,
    id: "usb/host/another-boot",
    title: "An answer with another boot id ends the connection: nothing of it is taken for an answer",
    spec: ["SPEC 4.1"],
    run: async (bench) => {
      const { tap, device } = await connect(bench);
      const other = device.info.bootId === "00000000" ? "00000001" : "00000000";
      tap.deliver = (frames) => encoded(frames.map((frame) => ({ ...frame, args: [other, ...frame.args.slice(1)] })));
      const code = await outcome(bench.settle(device.hash([Buffer.of(1)]), HASHING_MS));
      expectThat(code === "DEVICE_REBOOTED", `hashing ended in ${code}`);
      const next = await outcome(bench.settle(device.ping(), 5000));
      expectThat(next === "DEVICE_REBOOTED", `a call afterwards ended in ${next}`);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/words-too-many",
    title: "An answer with more words than its command describes is refused",
    spec: ["SPEC 5"],
    run: async (bench) => {
      const { tap, device } = await connect(bench);
      tap.deliver = (frames) => encoded(frames.map((frame) => ({ ...frame, args: [...frame.args, "x"] })));
      // The minimal profile refuses PING, which is a sign of life whatever its words.
      const minimal = device.info.capabilities.size === 1;
      for (const ask of [() => device.hash([Buffer.of(1)]), ...(minimal ? [] : [() => device.ping()])]) {
        const code = await outcome(bench.settle<unknown>(ask(), HASHING_MS));
        expectThat(code === "DEVICE_REPLY" || code === "DEVICE_REFUSED", `the call ended in ${code}`);
      }
      tap.deliver = undefined;
      await device.close();
    },
  }),
  falseProof({
    id: "false-proof",
    title: "A nonce that does not meet the target is told for what it is",
    target: Buffer.alloc(32),
    version: "20000000",
  }),
  falseProof({
    id: "false-version",
    title: "A find whose version was changed outside the mask is told for what it is, though it meets the target",
    target: Buffer.alloc(32, 0xff),
    version: "20000001",
  }),
];
