/** What the host's driver makes of handshakes that it must not go by, or that do not come (SPEC 5.1, 6). */
import { encodeFrame, type Frame, frameBytes } from "../../../host/device/link/frame.ts";
import { parsePairs } from "../../../host/device/session/pairs.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome } from "./support/driver.ts";
import { Tap } from "./support/tap.ts";
import { Trace } from "./support/trace.ts";

const MUST = { level: "MUST", needs: [] } as const;
const FIRST_LINE_BYTES = 512;
const TOO_LONG = "x".repeat(65);
/** One HELLO, and no more. */
const BRIEF_MS = 300;
const EVERY_MS = 500;
const SLACK_MS = 120;
const HELLOS = 4;

/** What is wrong with a HELLO: keys and what stands in their place; null for nothing. */
type Changed = Readonly<Record<string, string | null>>;

/** What a device may not say, whatever it is; what is absent before is said then. */
const WRONG: readonly Changed[] = [
  ...["proto", "firmware", "device", "caps", "maxLine", "lines", "bytes", "maxBlock"].map((key) => ({ [key]: null })),
  ...["0", "2", "01", "x"].map((proto) => ({ proto })),
  ...[{ firmware: TOO_LONG }, { device: TOO_LONG }],
  ...["511", "65537", "2304x"].map((maxLine) => ({ maxLine })),
  ...["0", "1025", "-1"].map((lines) => ({ lines })),
  ...[{ maxLine: "512", bytes: "511" }, { bytes: "1048577" }],
  ...["0", "32769"].map((maxBlock) => ({ maxBlock })),
  ...["511", "65537"].map((maxReply) => ({ maxReply })),
  ...["0", "1048577"].map((maxImage) => ({ maxImage })),
  ...["0", "65537"].map((inflate) => ({ inflate })),
  ...["0", "yes"].map((simulated) => ({ simulated })),
];
/** Where more than `hash` is announced. */
const WRONG_OF_MORE: readonly Changed[] = [
  { maxBlock: "1023" },
  { caps: "hash,image", maxImage: null },
  { caps: "hash,baud", rates: null },
];

/** How opening a device ends whose HELLO says something else, and what the host said to it. */
async function openChanged(bench: UsbBench, changed: Changed): Promise<{ readonly code: string; readonly tap: Tap }> {
  const tap = new Tap();
  tap.deliver = (frames) => frames.map((frame) => encodeFrame(frame.verb === "OK" ? change(frame, changed) : frame));
  const code = await outcome(openDevice(bench, { wrap: tap.through }).then((device) => device.close()));
  return { code, tap };
}

function change(frame: Frame, changed: Changed): Frame {
  const [boot = "", ...words] = frame.args;
  const kept = words.filter((word) => !((word.split("=")[0] ?? "") in changed));
  const said = Object.entries(changed).flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}`]));
  return { ...frame, args: [boot, ...kept, ...said] };
}

async function expectNotUsed(bench: UsbBench, changed: Changed, of: string): Promise<void> {
  const { code, tap } = await openChanged(bench, changed);
  expectThat(code === "DEVICE_PROTOCOL", `a device ${of} was ${code === "answered" ? "used" : `refused with ${code}`}`);
  const other = tap.sent.find(({ verb }) => verb !== "HELLO");
  expectThat(other === undefined, `${other?.verb} was asked of a device ${of}`);
}

function shown(changed: Changed): string {
  const words = Object.entries(changed).map(([key, value]) =>
    value === null ? `without ${key}` : `with ${key}=${value.slice(0, 12)}`,
  );
  return words.join(" ");
}

const BOOT_TEXTS: readonly (readonly [code: string, text: string])[] = [
  ["DEVICE_BOOTLOADER", "ESP-ROM:esp32s3-20210327\nrst:0x15,boot:0x0 (DOWNLOAD(USB/UART0))\nwaiting for download\n"],
  ["DEVICE_BROWNOUT", "E (41) x: Brownout detector was triggered\nESP-ROM:esp32s3-20210327\nrst:0xf\n"],
  ["DEVICE_CRASHED", "Guru Meditation Error: Core  0 panic'ed (LoadProhibited)\nESP-ROM:esp32s3-20210327\n"],
];

export const HOST_HELLO_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/host/hello-without-hash",
    title: "A device that announces no `hash` is not used",
    spec: ["SPEC 5.1", "SPEC 5"],
    run: async (bench) => {
      for (const caps of ["health", "batch,image,health", "Hash,hashes"])
        await expectNotUsed(bench, { caps, maxImage: "1" }, `with caps=${caps}`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/hello-out-of-range",
    title: "A device whose HELLO misses a required key, or has a value outside its range, is not used",
    spec: ["SPEC 5.1", "SPEC 9"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const more = device.info.capabilities.size > 1;
      await device.close();
      for (const changed of [...WRONG, ...(more ? WRONG_OF_MORE : [])])
        await expectNotUsed(bench, changed, shown(changed));
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/hello-newer",
    title: "Keys and capabilities that the host does not know do not keep it from using a device",
    spec: ["SPEC 5", "SPEC 8"],
    run: async (bench) => {
      const tap = new Tap();
      tap.deliver = (frames) =>
        frames.map((frame) => {
          if (frame.verb !== "OK") return encodeFrame(frame);
          const caps = parsePairs(frame.args).get("caps") ?? "";
          // One more would make the minimal profile another device, with larger blocks.
          const more = caps.includes(",") ? { caps: `${caps},teleport` } : {};
          return encodeFrame(change(frame, { ...more, novelty: "1" }));
        });
      const device = await openDevice(bench, { wrap: tap.through });
      tap.deliver = undefined;
      await bench.settle(device.hash([Buffer.of(1)]), 5000);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/hello-repeated",
    title: "HELLO is sent every 500 ms, the same short line each time, until it is answered",
    spec: ["SPEC 6", "SPEC 3.1"],
    run: async (bench) => {
      const [tap, trace] = [new Tap(), new Trace(bench.clock)];
      tap.deliver = () => [];
      const opening = openDevice(bench, { wrap: (line) => trace.through(tap.through(line)) });
      for (let times = 1; times <= HELLOS; times++) await bench.settle(trace.nextSent(), 5000);
      tap.deliver = undefined;
      const device = await opening;
      const hellos = trace.sent(({ verb }) => verb === "HELLO");
      const lines = new Set(hellos.map(({ frame }) => encodeFrame(frame).toString("latin1")));
      expectThat(lines.size === 1, `HELLO was sent in ${lines.size} versions`);
      for (const [at, { atMs, frame }] of hellos.entries()) {
        expectThat(frameBytes(frame) <= FIRST_LINE_BYTES, `HELLO has ${frameBytes(frame)} bytes`);
        const gapMs = atMs - (hellos[at - 1]?.atMs ?? atMs - EVERY_MS);
        expectThat(Math.abs(gapMs - EVERY_MS) <= SLACK_MS, `${Math.round(gapMs)} ms from one HELLO to the next`);
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/hears-boot-text",
    title: "A host that hears boot text in place of HELLO's answer tells what it means",
    spec: ["SPEC 6"],
    run: async (bench) => {
      for (const [expected, text] of BOOT_TEXTS) {
        const tap = new Tap();
        tap.deliver = () => [Buffer.from(text)];
        const code = await outcome(openDevice(bench, { wrap: tap.through, helloMs: BRIEF_MS }));
        expectThat(code === expected, `"${text.split("\n")[0]}" and so on ended in ${code}, not in ${expected}`);
      }
    },
  }),
];
