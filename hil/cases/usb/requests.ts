/** SPEC 4: numbers, credits, repeats, refusals. */

import type { Capability } from "../../../host/device/device.ts";
import { sha256 } from "../../../host/device/digest.ts";
import { encodeFrame, frameBytes } from "../../../host/device/link/frame.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, randomBlocks, sizesUpTo, timed } from "./support/driver.ts";
import { expectBytes, expectDigest, expectErr, expectUnanswered, hexOf, okWord, okWords } from "./support/expect.ts";
import { RawLine } from "./support/raw-line.ts";
import { Tap } from "./support/tap.ts";

const MUST = { level: "MUST", needs: [] } as const;
const BOOT_ID = /^[0-9a-f]{8}$/;
/** What a device answers within (SPEC 4.2), and what a host's own scheduling may add. */
const PROMPT_MS = { device: 100, host: 50 };
const ID = "00000001";
const HEX64 = "11".repeat(32);

/** One well-formed request of every command that a device may leave out. */
const OPTIONAL: readonly {
  readonly capability: Capability;
  readonly verb: string;
  readonly args: readonly string[];
  readonly payload?: Uint8Array;
}[] = [
  { capability: "batch", verb: "BATCH", args: ["1", "root"], payload: Buffer.from("x") },
  { capability: "image", verb: "IMAGE", args: ["NEW", ID, "8", "8"] },
  { capability: "health", verb: "HEALTH", args: [] },
  { capability: "work", verb: "WORK", args: ["STATUS", ID] },
  { capability: "attest", verb: "ATTEST", args: [HEX64, HEX64] },
  { capability: "key", verb: "KEY", args: [HEX64] },
  { capability: "baud", verb: "BAUD", args: ["115200"] },
  { capability: "log", verb: "LOG", args: ["0"] },
  { capability: "reset", verb: "RESET", args: [ID] },
];

export const REQUEST_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/request/number-comes-back",
    title: "A reply bears its request's number, from 0001 to ffff, and the boot id of HELLO",
    spec: ["SPEC 4.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const seq of [0x0001, 0x00ff, 0x8000, 0xffff]) {
        const from = line.heard.length;
        await line.say(encodeFrame({ seq, verb: "HASH", args: ["00"] }));
        const reply = await line.reply(seq, from);
        expectDigest(okWord(reply, "HASH"), Buffer.of(0), "00");
        expectThat(reply.args[0] === line.boot, `boot id ${reply.args[0]}, HELLO's was ${line.boot}`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/number-zero",
    title: "A request numbered 0000 is not executed; a NAK, if one comes, says SEQ",
    spec: ["SPEC 4.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const from = line.heard.length;
      await line.say(encodeFrame({ seq: 0, verb: "HASH", args: ["00"] }));
      const heard = await line.sync(from);
      expectUnanswered(heard, "a request numbered 0000");
      const nak = heard.find((event) => event.kind === "frame" && event.frame.verb === "NAK");
      const reason = nak?.kind === "frame" ? nak.frame.args[1] : "SEQ";
      expectThat(reason === "SEQ", `NAK says ${reason}, not SEQ`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/echoes",
    title: "A device does not answer its own words: OK, ERR, NAK, BOOT, and WORK numbered 0000",
    spec: ["SPEC 4.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const from = line.heard.length;
      const echoes = ["OK", "ERR", "NAK", "BOOT"].map((verb) => line.make(verb, [line.boot, "CRC"]).bytes);
      const notice = encodeFrame({ seq: 0, verb: "WORK", args: [line.boot, ID, "running", "elapsedMs=0", "hashes=0"] });
      await line.say(Buffer.concat([...echoes, notice]));
      const heard = (await line.sync(from)).filter(({ kind }) => kind === "frame");
      expectThat(heard.length === 0, `${heard.length} frames came back`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/unknown-command",
    title: "A command that the device does not know is refused with VERB, with a payload too",
    spec: ["SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const verb of ["FLASH", "HASHES", "H", "X_9"]) expectErr(await line.ask(verb, ["x"]), "VERB", verb);
      expectErr(await line.ask("FLASH", [], Buffer.from("\n\0")), "VERB", "FLASH with a payload");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/not-announced",
    title: "A command whose capability was not announced is refused with VERB, or with KEY where only the key lacks",
    spec: ["SPEC 5", "SPEC 10"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const { capability, verb, args, payload } of OPTIONAL) {
        if (line.hello.capabilities.has(capability)) continue;
        const keyed = capability === "attest" || capability === "key";
        expectErr(await line.ask(verb, args, payload), keyed ? ["VERB", "KEY"] : "VERB", `${verb}, not announced,`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/announced",
    title: "A command whose capability was announced is known",
    spec: ["SPEC 5"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const { capability, verb, args, payload } of OPTIONAL) {
        // What KEY answers is a secret: it has cases of its own.
        if (!line.hello.capabilities.has(capability) || capability === "key") continue;
        const reply = await line.ask(verb, args, payload);
        expectThat(reply.args[1] !== "VERB" || reply.verb !== "ERR", `${verb} is announced and refused with VERB`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/too-many-words",
    title: "Too many words, or a payload where none is wanted, is ARGS",
    spec: ["SPEC 5", "SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      expectErr(await line.ask("HASH", ["00", "00"]), "ARGS", "HASH with two blocks");
      expectErr(await line.ask("HASH", ["00"], Buffer.of(1)), "ARGS", "HASH with a payload");
      expectErr(await line.ask("HASH", []), "ARGS", "HASH without a block");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/same-bytes-twice",
    title: "The same bytes sent twice are answered twice, with the same words",
    spec: ["SPEC 4.2"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const [block = Buffer.alloc(0)] = randomBlocks(bench, [40]);
      const { seq, bytes } = line.make("HASH", [hexOf(block)]);
      for (let times = 0; times < 3; times++) {
        const from = line.heard.length;
        await line.say(bytes);
        const reply = await line.reply(seq, from);
        expectDigest(okWord(reply, "HASH"), block, "the block");
        expectThat(reply.args[0] === line.boot, "another boot id");
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/whole-window",
    title: "As many requests as the credits allow may be sent in one piece, and every one is answered",
    spec: ["SPEC 4.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { credits, maxBlockBytes } = line.hello;
      const size = Math.min(64, maxBlockBytes);
      const each = frameBytes({ verb: "HASH", args: ["00".repeat(size)] });
      const count = Math.max(1, Math.min(credits.lines, Math.floor(credits.bytes / each)));
      const blocks = randomBlocks(bench, new Array(count).fill(size));
      const requests = blocks.map((block) => line.make("HASH", [hexOf(block)]));
      await line.say(Buffer.concat(requests.map(({ bytes }) => bytes)));
      for (const [at, block] of blocks.entries()) {
        const reply = await line.reply(requests[at]?.seq ?? 0);
        expectDigest(okWord(reply, "HASH"), block, `block ${at + 1} of ${count}`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/host-keeps-the-window",
    title: "The host never has more lines or bytes unanswered than HELLO allows, and uses what it allows",
    spec: ["SPEC 4.1"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const { lines, bytes } = device.hello.credits;
      // No two of a size, so that each goes alone; more of them than lines, and than bytes.
      const most = Math.min(330, device.hello.maxBlockBytes);
      const sizes = sizesUpTo(most).slice(-80);
      const blocks = randomBlocks(bench, sizes);
      // Several callers at once: none knows of the others.
      const pings = Array.from({ length: 80 }, () => device.ping());
      const [digests] = await bench.settle(Promise.all([device.hash(blocks), ...pings]), 20_000);
      for (const [at, block] of blocks.entries()) expectBytes(digests[at], sha256(block), `block ${at + 1}`);
      expectThat(tap.mostLines <= lines, `${tap.mostLines} lines were unanswered, HELLO allows ${lines}`);
      expectThat(tap.mostBytes <= bytes, `${tap.mostBytes} bytes were unanswered, HELLO allows ${bytes}`);
      expectThat(tap.mostLines > Math.min(lines, 8) / 2, `only ${tap.mostLines} lines were under way, of ${lines}`);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/host-gives-numbers-once",
    title: "The host gives no two unanswered requests one number, and none the number 0000",
    spec: ["SPEC 4.1", "SPEC 4.2"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const blocks = randomBlocks(bench, sizesUpTo(Math.min(40, device.hello.maxBlockBytes)));
      await bench.settle(device.hash(blocks), 20_000);
      const requests = new Map<number, string>();
      for (const { seq, verb, args } of tap.sent) {
        const words = [verb, ...args].join(" ");
        expectThat(seq !== 0, "a request numbered 0000");
        // The same bytes again are a repeat.
        expectThat((requests.get(seq) ?? words) === words, `two requests are numbered ${seq}`);
        requests.set(seq, words);
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/first-checks-first",
    title: "Of several faults the first in the order of checks is named",
    spec: ["SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      expectErr(await line.ask("FLASH", ["zz", "zz"]), "VERB", "an unknown command with wrong words");
      expectErr(await line.ask("HASH", ["xyz", "00"]), "ARGS", "HASH with two words, one of them no hex");
      const long = "0".repeat(2 * line.hello.maxBlockBytes + 1);
      if (line.fits("HASH", [long])) expectErr(await line.ask("HASH", [long]), "HEX", "an odd block that is too long");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/prompt",
    title: "Short requests are answered within 100 ms",
    spec: ["SPEC 4.2"],
    level: "SHOULD",
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (let times = 0; times < 20; times++) {
        const startMs = bench.clock.nowMs();
        okWords(await timed(bench, "short-request", () => line.ask("HASH", ["00"])), "HASH", 1);
        const tookMs = bench.clock.nowMs() - startMs;
        expectThat(tookMs <= PROMPT_MS.device + PROMPT_MS.host, `HASH of one byte took ${Math.round(tookMs)} ms`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/request/boot-id-form",
    title: "A boot id is eight small hexadecimal digits, the same in every answer",
    spec: ["SPEC 4.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const [verb, word] of [
        ["HASH", "00"],
        ["FLASH", "x"],
        ["HASH", "x"],
      ] as const) {
        const [boot = ""] = (await line.ask(verb, [word])).args;
        expectThat(BOOT_ID.test(boot) && boot === line.boot, `boot id ${boot}, HELLO's was ${line.boot}`);
      }
    },
  }),
];
