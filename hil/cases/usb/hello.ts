/** SPEC 5.1 and 5.2: the handshake, and the heartbeat. */
import { sleep } from "../../../host/device/clock.ts";
import { frameBytes } from "../../../host/device/link/frame.ts";
import { randomHex8 } from "../../../host/device/session/handshake.ts";
import { parsePairs } from "../../../host/device/session/pairs.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, timed } from "./support/driver.ts";
import { expectErr, okPayload, okWord, okWords } from "./support/expect.ts";
import { drawFilm, RawImage } from "./support/films.ts";
import { RawLine } from "./support/raw-line.ts";
import { drawJob, HOPELESS, start } from "./support/searches.ts";

const MUST = { level: "MUST", needs: [] } as const;
const FIRST_LINE_BYTES = 512;
const QUIET_MS = 300;
const WIDEST = "maxLine=65536";

export const HELLO_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/hello/complete",
    title: "HELLO says all it must, within its ranges and in one line of at most 512 bytes",
    spec: ["SPEC 5.1", "SPEC 9"],
    run: async (bench) => {
      const line = await RawLine.connect(bench);
      // A value that is missing or out of range does not get past this.
      const reply = await line.greet();
      const bytes = frameBytes(reply);
      expectThat(bytes <= FIRST_LINE_BYTES, `the reply has ${bytes} bytes`);
      const { capabilities, maxBlockBytes, maxLineBytes, credits } = line.hello;
      expectThat(capabilities.has("hash"), "it announces no hash");
      expectThat(credits.bytes >= maxLineBytes, "fewer bytes of credit than its longest line");
      const minimal = capabilities.size === 1;
      expectThat(minimal || maxBlockBytes >= 1024, `blocks of ${maxBlockBytes} bytes are too few`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/nonce",
    title: "The reply repeats this handshake's nonce, not an earlier one's",
    spec: ["SPEC 5.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const nonce of ["00000000", "ffffffff", randomHex8(bench.random)]) {
        const said = parsePairs(okWords(await line.ask("HELLO", ["1", nonce, WIDEST]), "HELLO")).get("nonce");
        expectThat(said === nonce, `nonce ${said}, the host's was ${nonce}`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/newer-host",
    title: "A host of a newer version is answered with the lower version of the two",
    spec: ["SPEC 5.1", "SPEC 8"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (const version of ["1", "2", "9999"]) {
        const pairs = parsePairs(okWords(await line.ask("HELLO", [version, "0a0b0c0d", WIDEST]), "HELLO"));
        const proto = Number(pairs.get("proto"));
        expectThat(proto >= 1 && proto <= Number(version), `proto=${pairs.get("proto")} to a host of ${version}`);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/refused",
    title: "A handshake that breaks the rules is ARGS",
    spec: ["SPEC 5.1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const nonce = "0a0b0c0d";
      const wrong = [
        ["0", nonce],
        ["00001", nonce],
        ["x", nonce],
        ["1"],
        ["1", "0a0b0c0"],
        ["1", "0A0B0C0D"],
        ["1", nonce, "maxLine=511"],
        ["1", nonce, "maxLine=65537"],
      ];
      for (const words of wrong) expectErr(await line.ask("HELLO", words), "ARGS", `HELLO ${words.join(" ")}`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/unknown-words",
    title: "Words that the device does not know are ignored",
    spec: ["SPEC 5.1", "SPEC 8"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const words = ["1", "0a0b0c0d", "colour=blue", WIDEST, "x", "=", "maxLine=0"];
      okWords(await line.ask("HELLO", words), "HELLO with words of a newer host");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/narrow-host",
    title: "The device writes no line longer than the host reads: the last HELLO counts",
    spec: ["SPEC 5.1", "SPEC 3.1"],
    needs: ["batch"],
    run: async (bench) => {
      const line = await RawLine.open(bench, FIRST_LINE_BYTES);
      // 16 digests: 29 + 512 + 3 bytes.
      const blocks = Buffer.alloc(16, 7);
      expectErr(await line.ask("BATCH", ["1", "digests"], blocks), "LENGTH", "BATCH with a reply of 544 bytes");
      okPayload(await line.ask("BATCH", ["1", "digests"], blocks.subarray(1)), "BATCH with a reply of 511 bytes");
      await line.greet();
      const fits = line.hello.maxReplyBytes > FIRST_LINE_BYTES;
      if (fits) okPayload(await line.ask("BATCH", ["1", "digests"], blocks), "BATCH to a host that reads more");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/error-changes-nothing",
    title: "A refused HELLO changes nothing; a good one drops the image",
    spec: ["SPEC 5.1"],
    needs: ["image"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const image = await RawImage.begin(bench, line, drawFilm(bench, 8));
      await image.fill();
      expectErr(await line.ask("HELLO", ["0", "0a0b0c0d"]), "ARGS", "HELLO of version 0");
      okWord(await image.ask("ROOTS", "8"), "IMAGE ROOTS after a refused HELLO");
      await line.greet();
      expectErr(await image.ask("ROOTS", "8"), "STATE", "IMAGE ROOTS after another HELLO");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/same-device",
    title: "Two connections in a row find one device in one boot",
    spec: ["SPEC 5.1", "SPEC 6"],
    run: async (bench) => {
      const first = await RawLine.open(bench);
      await first.close();
      const { hello } = await RawLine.open(bench);
      expectThat(hello.device === first.hello.device, `device ${hello.device}, before it was ${first.hello.device}`);
      expectThat(hello.boot === first.boot, `opening the port restarted the device: boot ${hello.boot}`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/log-falls-silent",
    title: "After HELLO the device's own log is silent, whatever level was asked for before",
    spec: ["SPEC 5.1", "SPEC 5.10"],
    needs: ["log", "work"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      okWords(await line.ask("LOG", ["5"]), "LOG", 0);
      await line.greet();
      const from = line.heard.length;
      // What a device would have a word to say about.
      okWords(await start(line, drawJob(bench, { difficulty: HOPELESS })), "WORK START");
      await bench.settle(sleep(bench.clock, QUIET_MS), 2 * QUIET_MS);
      const logs = line.heard.slice(from).filter(({ kind }) => kind === "log");
      expectThat(logs.length === 0, `${logs.length} log lines came after HELLO`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/model-says-so",
    title: "A model says `simulated=1`, so that it is never passed off as hardware",
    spec: ["SPEC 5.1", "DESIGN 6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { simulated, device } = line.hello;
      expectThat(simulated || bench.target !== "model", `${device} is a model and does not say so`);
      expectThat(simulated || !/model|sim|vectors/.test(device), `${device} does not say that it is simulated`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/hello/host-ignores-earlier",
    title: "The host takes no reply for its own that bears another handshake's nonce",
    spec: ["SPEC 5.1", "SPEC 6"],
    run: async (bench) => {
      const line = await RawLine.connect(bench);
      // An earlier host asked and left: the answer waits for the next one.
      await line.say("\n\n");
      await line.say(line.make("HELLO", ["1", "0a0b0c0d"]).bytes);
      await line.close();
      const device = await openDevice(bench);
      await bench.settle(device.ping(), 5000);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/ping/answered",
    title: "PING is answered with nothing; a word with it is ARGS",
    spec: ["SPEC 5.2"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const reply = await line.ask("PING");
      // The minimal profile does not know it, which is a sign of life too.
      if (reply.verb === "ERR" && line.hello.capabilities.size === 1) return expectErr(reply, "VERB", "PING");
      okWords(reply, "PING", 0);
      expectErr(await line.ask("PING", ["x"]), "ARGS", "PING with a word");
      expectErr(await line.ask("PING", [], Buffer.of(10)), "ARGS", "PING with a payload");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/ping/round-trips",
    title: "Every PING of fifty, one after the other, comes back; its time is measured",
    spec: ["SPEC 5.2", "SPEC 4.2"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      for (let times = 0; times < 50; times++) await timed(bench, "ping", () => line.ask("PING"));
    },
  }),
];
