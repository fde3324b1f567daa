/** SPEC 5.7: ATTEST and KEY. A key that was answered is in no message here. */
import { createHmac } from "node:crypto";
import { errorMessage } from "../../../host/base/error.ts";
import { encodeFrame } from "../../../host/device/link/frame.ts";
import type { Event } from "../../recording/format.ts";
import { tapedUsb } from "../../recording/recorded-bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { LastChunks } from "../../rig/last-chunks.ts";
import { openDevice, seeded } from "./support/driver.ts";
import { expectErr, hexOf, okWord } from "./support/expect.ts";
import { modelKey, tagged } from "./support/keys.ts";
import { RawLine } from "./support/raw-line.ts";
import { restarted } from "./support/restarts.ts";
import { Tap } from "./support/tap.ts";

const HEX64 = /^[0-9a-f]{64}$/;
const ATTEST = { level: "MUST", needs: ["attest"] } as const;
const KEY = { level: "MUST", needs: ["key"] } as const;

async function askKey(line: RawLine, context: Uint8Array): Promise<string> {
  const word = okWord(await line.ask("KEY", [hexOf(context)]), "KEY");
  expectThat(HEX64.test(word), "KEY was not answered with 64 hexadecimal digits");
  return word;
}

export const KEYED_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...ATTEST,
    id: "usb/attest/fresh",
    title: "Another challenge, or another commitment, has another MAC; the same has the same",
    spec: ["SPEC 5.7", "SPEC 11"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const random = seeded(bench);
      const [a, b, c] = [random.bytes(32), random.bytes(32), random.bytes(32)].map(hexOf) as [string, string, string];
      const ask = async (...words: readonly string[]) => okWord(await line.ask("ATTEST", words), "ATTEST");
      const macs = [await ask(a, b), await ask(a, c), await ask(c, b), await ask(b, a)];
      expectThat(
        macs.every((mac) => HEX64.test(mac)),
        `a MAC is ${macs[0]}`,
      );
      expectThat(new Set(macs).size === macs.length, "two questions have one MAC");
      expectThat((await ask(a, b)) === macs[0], "the same question has another MAC");
    },
  }),
  usbCase({
    ...ATTEST,
    id: "usb/attest/right",
    title: "The host's driver brings back MAC and boot id; a model's MAC is right under its known key",
    spec: ["SPEC 5.7"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const random = seeded(bench);
      const [commitment, challenge] = [random.bytes(32), random.bytes(32)];
      const { mac, bootId } = await bench.settle(device.attest(commitment, challenge), 5000);
      expectThat(bootId === device.info.bootId, `boot id ${bootId}, HELLO's was ${device.info.bootId}`);
      const key = modelKey(device.hello);
      if (key !== undefined) {
        const message = [tagged("lv06/attest/1"), commitment, challenge, Buffer.from(bootId, "hex")];
        const own = createHmac("sha256", key).update(Buffer.concat(message)).digest("hex");
        expectThat(hexOf(mac) === own, "the MAC is another than the key's");
      }
      await device.close();
    },
  }),
  usbCase({
    ...ATTEST,
    id: "usb/attest/this-boot",
    title: "After a restart the same question has another MAC",
    spec: ["SPEC 5.7"],
    can: ["restart"],
    run: async (bench) => {
      const before = await RawLine.open(bench);
      const words = ["11".repeat(32), "22".repeat(32)];
      const first = okWord(await before.ask("ATTEST", words), "ATTEST");
      const after = await restarted(bench, before);
      const second = okWord(await after.ask("ATTEST", words), "ATTEST");
      expectThat(first !== second, "a MAC of the boot before is given again");
    },
  }),
  usbCase({
    ...ATTEST,
    id: "usb/attest/refused",
    title: "Words that are not 64 small hexadecimal digits are ARGS",
    spec: ["SPEC 5.7", "SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const good = "11".repeat(32);
      for (const words of [[good], [good, good.slice(1)], [good, "AA".repeat(32)], [good, good, good]]) {
        expectErr(await line.ask("ATTEST", words), "ARGS", `ATTEST with ${words.length} words`);
      }
    },
  }),
  usbCase({
    ...KEY,
    id: "usb/key/same-over-a-restart",
    title: "KEY gives the same key for the same context after a restart, and another for another context",
    spec: ["SPEC 5.7"],
    can: ["restart"],
    run: async (bench) => {
      const before = await RawLine.open(bench);
      const random = seeded(bench);
      const [context, other] = [random.bytes(32), random.bytes(32)];
      const key = await askKey(before, context);
      expectThat((await askKey(before, other)) !== key, "two contexts have one key");
      const after = await restarted(bench, before);
      expectThat((await askKey(after, context)) === key, "the key is another after a restart");
    },
  }),
  usbCase({
    ...KEY,
    id: "usb/key/right",
    title: "A model's key is HKDF-Expand under its known key, and no command gives the value of another",
    spec: ["SPEC 5.7"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const context = seeded(bench).bytes(32);
      const derived = await bench.settle(device.key(context), 5000);
      const key = modelKey(device.hello);
      if (key !== undefined) {
        const message = Buffer.concat([tagged("lv06/key/1"), context, Buffer.of(1)]);
        const own = createHmac("sha256", key).update(message).digest("hex");
        expectThat(hexOf(derived) === own, "the key is another than HKDF-Expand's");
      }
      await device.close();
    },
  }),
  usbCase({
    ...KEY,
    id: "usb/key/shown-nowhere",
    title: "What KEY answered is in no log, no error, no recording and no report, whole or damaged",
    spec: ["SPEC 5.7", "SPEC 11"],
    run: async (bench) => {
      const tap = new Tap();
      const [last, events, told]: [LastChunks, Event[], string[]] = [new LastChunks(() => 0), [], []];
      const line = { ...bench, connect: async () => tap.through(await bench.connect()) };
      const taped = tapedUsb(line, { add: (event) => void events.push(event), seed: 1, exact: false });
      const onLog = (text: string) => void told.push(text);
      const device = await openDevice(taped.bench, { wrap: (inner) => last.through(inner), onLog });
      const context = seeded(bench).bytes(32);
      const keys = [await bench.settle(device.key(context), 5000)];
      // Without its beginning the answer is a line of log; the one to the repeated request comes whole.
      let spoilt = false;
      tap.deliver = (frames) =>
        frames.map((frame) => {
          const bytes = encodeFrame(frame);
          if (spoilt) return bytes;
          spoilt = true;
          return bytes.subarray(2);
        });
      keys.push(await bench.settle(device.key(Buffer.from(context).reverse()), 5000));
      // A device that refuses, and says the key in the words for people.
      const spoken = hexOf(keys[0] ?? context);
      tap.deliver = (frames) =>
        frames.map(({ seq, args: [boot = ""] }) => encodeFrame({ seq, verb: "ERR", args: [boot, "KEY", spoken] }));
      const refused = await bench.settle(device.key(context).then(String, errorMessage), 5000);
      tap.deliver = undefined;
      await device.close();
      await taped.stop();
      const recorded = events.map((event) =>
        "bytes" in event ? event.bytes.toString("latin1") : JSON.stringify(event),
      );
      const reported = last.list().map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
      const places = { log: told, error: [refused], recording: recorded, report: reported };
      for (const [place, texts] of Object.entries(places)) {
        const all = texts.join("");
        expectThat(!keys.some((key) => all.includes(hexOf(key).slice(16, 48))), `the key is in the ${place}`);
      }
      for (const place of ["recording", "report"] as const)
        expectThat(places[place].join("").includes("redacted"), `the ${place} does not say that something is left out`);
    },
  }),
  usbCase({
    ...KEY,
    id: "usb/key/refused",
    title: "A context that is not 64 small hexadecimal digits is ARGS",
    spec: ["SPEC 5.7", "SPEC 4.3"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const words of [[], ["11".repeat(31)], ["AA".repeat(32)], ["11".repeat(32), "x"]]) {
        expectErr(await line.ask("KEY", words), "ARGS", `KEY with ${words.length} words`);
      }
    },
  }),
];
