/** SPEC 5.9: how the host's driver goes about the rate of a line, and what a device does while one is on trial. */
import { sleep } from "../../../host/device/clock.ts";
import { encodeFrame, type Frame } from "../../../host/device/link/frame.ts";
import { START_BAUD } from "../../../host/device/session/rate-ladder.ts";
import type { Transport } from "../../../host/device/transport.ts";
import { connectUsb } from "../../../host/device/usb/connect.ts";
import { ConnectMemory } from "../../../host/device/usb/connect-memory.ts";
import type { SerialLine } from "../../../host/device/usb/serial-transport.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome } from "./support/driver.ts";
import { okWord } from "./support/expect.ts";
import { CONNECT_MS, RawLine } from "./support/raw-line.ts";
import { Tap } from "./support/tap.ts";
import { isAnswer, Trace } from "./support/trace.ts";

const RATED = { level: "MUST", needs: ["baud"], can: ["rate"] } as const;
const CALLS_MS = 20_000;
/** More than what the host takes to judge a line by. */
const PINGS = 220;
const DAMAGED_OF = 20;
const QUIET_MS = 20;
const HELLO_MS = 600;
const SWITCH_MS = 10;
const PORT = "bench";

/** One digit wrong under the checksum of before. */
function damaged(frame: Frame): Buffer {
  const bytes = encodeFrame(frame);
  const at = bytes.length - 2;
  bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30;
  return bytes;
}

/** The bench's line as a port that is opened at a rate. */
async function openPort(bench: UsbBench, baud: number, onOpen: (line: Transport) => void): Promise<SerialLine> {
  const line = await bench.settle(bench.connect(), CONNECT_MS);
  const setRate = async (rate: number) => line.setRate?.(rate);
  if (baud !== START_BAUD) await setRate(baud);
  onOpen(line);
  return {
    ...{ name: line.name, staysUpOnClose: true, setRate },
    write: (bytes) => line.write(bytes),
    onChunk: (listener) => line.onChunk(listener),
    onClose: (listener) => line.onClose(listener),
    close: () => line.close(),
    resetBoard: () => Promise.reject(new Error("the bench has no reset line")),
  };
}

export const HOST_RATE_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...RATED,
    id: "usb/baud/host-waits-its-turn",
    title: "BAUD is sent when nothing else is unanswered, and nothing else until the new rate is confirmed",
    spec: ["SPEC 5.9", "SPEC 4.2"],
    run: async (bench) => {
      const trace = new Trace(bench.clock);
      const device = await openDevice(bench, { wrap: trace.through });
      const rate = device.hello.rates.find((each) => each !== START_BAUD) ?? START_BAUD;
      const during = trace.nextSent(({ verb }) => verb === "BAUD").then(() => device.hash([Buffer.of(1)]));
      const calls = [...Array.from({ length: 8 }, () => device.ping()), device.setRate(rate), during];
      const ends = await bench.settle(Promise.all(calls.map(outcome)), CALLS_MS);
      expectThat(
        ends.every((end) => end === "answered" || end === "DEVICE_RATE"),
        `the calls ended in ${ends.join()}`,
      );
      const open = new Set<number>();
      for (const { way, frame } of trace.all) {
        if (way === "heard" && isAnswer(frame)) open.delete(frame.seq);
        if (way === "heard") continue;
        const waiting = [...open].filter((seq) => seq !== frame.seq).length;
        expectThat(frame.verb !== "BAUD" || waiting === 0, `BAUD was sent while ${waiting} requests were unanswered`);
        open.add(frame.seq);
      }
      const at = trace.all.findIndex(({ way, frame }) => way === "sent" && frame.verb === "BAUD");
      const ping = trace.all.findIndex(
        ({ way, frame }, index) => index > at && way === "sent" && frame.verb === "PING",
      );
      const confirmed = trace.all.findIndex(({ way }, index) => index > ping && way === "heard");
      expectThat(at >= 0 && ping > at && confirmed > ping, "no PING has confirmed the rate");
      const said = trace.all.slice(at, confirmed).filter(({ way }) => way === "sent");
      const other = said.find(({ frame }) => frame.verb !== "BAUD" && frame.verb !== "PING");
      expectThat(other === undefined, `${other?.frame.verb} was sent before the new rate was confirmed`);
      await bench.settle(device.close(), CONNECT_MS);
    },
  }),
  usbCase({
    ...RATED,
    id: "usb/baud/host-steps-down",
    title: "A host on a line that damages more than 1 line in 100 steps down to a lower rate",
    spec: ["SPEC 5.9"],
    run: async (bench) => {
      const [tap, trace] = [new Tap(), new Trace(bench.clock)];
      const device = await openDevice(bench, { climb: true, wrap: (line) => trace.through(tap.through(line)) });
      const high = device.baud;
      // A cable that carries no higher rate leaves nothing to step down from.
      if (high === START_BAUD) return bench.settle(device.close(), CONNECT_MS);
      let lines = 0;
      tap.deliver = (frames) =>
        frames.map((frame) => (++lines % DAMAGED_OF === 0 ? damaged(frame) : encodeFrame(frame)));
      const stepped = trace.nextSent(({ verb }) => verb === "BAUD");
      await bench.settle(Promise.all(Array.from({ length: PINGS }, () => device.ping())), CALLS_MS);
      const { frame } = await bench.settle(stepped, CALLS_MS);
      tap.deliver = undefined;
      expectThat(Number(frame.args[0]) < high, `after damage at ${high} baud it goes to ${frame.args[0]}`);
      await bench.settle(device.ping(), CALLS_MS);
      expectThat(device.baud < high, `the line is at ${device.baud} baud still`);
      await bench.settle(device.close(), CONNECT_MS);
    },
  }),
  usbCase({
    ...RATED,
    id: "usb/baud/host-finds-it-again",
    title: "A host that finds no answer at 115,200 tries the rate at which it left the device",
    spec: ["SPEC 5.9", "SPEC 6"],
    level: "SHOULD",
    run: async (bench) => {
      const { clock, random } = bench;
      const memory = new ConnectMemory();
      let port: Transport | undefined;
      const connect = () =>
        connectUsb({
          ...{ path: PORT, baud: START_BAUD, clock, random, quietMs: QUIET_MS, helloMs: HELLO_MS, memory },
          parts: {
            findPorts: async () => [{ path: PORT }],
            plugMarks: async () => new Map(),
            openPort: ({ baud }) =>
              openPort(bench, baud, (line) => {
                port = line;
              }),
          },
        });
      const first = await bench.settle(connect(), CALLS_MS);
      const { baud } = first;
      // Cut off, without the way back.
      await bench.settle(port?.close() ?? Promise.resolve(), CONNECT_MS);
      await bench.settle(first.close(), CONNECT_MS);
      const second = await bench.settle(connect(), CALLS_MS);
      expectThat(second.info.bootId === first.info.bootId, `boot ${second.info.bootId} answers`);
      expectThat(second.baud === baud || bench.target === "real", `it was at ${baud}, and is at ${second.baud} baud`);
      await bench.settle(second.ping(), CALLS_MS);
      await bench.settle(second.close(), CONNECT_MS);
    },
  }),
  usbCase({
    ...RATED,
    id: "usb/baud/only-answers",
    title: "While a rate is on trial the device sends answers and nothing else",
    spec: ["SPEC 5.9"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { setRate } = line.transport;
      const rate = line.hello.rates.find((each) => each !== START_BAUD);
      expectThat(rate !== undefined && setRate !== undefined, "the line has one rate only");
      okWord(await line.ask("BAUD", [String(rate)]), "BAUD");
      await bench.settle(sleep(bench.clock, SWITCH_MS), CONNECT_MS);
      await bench.settle(setRate.call(line.transport, rate), CONNECT_MS);
      const from = line.heard.length;
      await line.say(`\n\n${"~0001 PING 00000000\n".repeat(3)}`);
      const others = (await line.sync(from)).length;
      expectThat(others === 0, `${others} lines came besides the answer`);
      okWord(await line.ask("BAUD", [String(START_BAUD)]), "BAUD back");
      await bench.settle(sleep(bench.clock, SWITCH_MS), CONNECT_MS);
      await bench.settle(setRate.call(line.transport, START_BAUD), CONNECT_MS);
      await line.say("\n\n");
      await line.sync();
    },
  }),
];
