/** SPEC 4.1, 6 and 7: restarts, crashes, plugs that are pulled, and hosts that come and go. */
import { sha256 } from "../../../host/device/digest.ts";
import type { UsbDevice } from "../../../host/device/usb/usb-device.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome, randomBlocks, sizesUpTo } from "./support/driver.ts";
import { expectBytes, expectDigest, expectErr, hexOf, okWord, okWords } from "./support/expect.ts";
import { drawFilm, ownRoot, RawImage } from "./support/films.ts";
import { RawLine } from "./support/raw-line.ts";
import { isBoot, reopened, restarted } from "./support/restarts.ts";
import { drawJob, HOPELESS, start } from "./support/searches.ts";
import { Tap } from "./support/tap.ts";

const MUST = { level: "MUST", needs: [] } as const;
const GONE_MS = 10_000;
const WORD = /^[a-z-]{1,32}$/;

/** The device ends the connection, or the line does. */
function gone(bench: UsbBench, device: UsbDevice): Promise<string> {
  const ending = new Promise<string>((resolve) => device.onGone(({ code }) => resolve(code)));
  return bench.settle(ending, GONE_MS);
}

async function expectRightDigests(bench: UsbBench, device: UsbDevice): Promise<void> {
  const blocks = randomBlocks(bench, [20, 64]);
  const digests = await bench.settle(device.hash(blocks), 10_000);
  for (const [at, block] of blocks.entries()) expectBytes(digests[at], sha256(block), "a block afterwards");
}

/** Something happens to the device when `after` answers have come: what is answered is right, and the rest fails by name. */
async function interrupted(bench: UsbBench, ability: "restart" | "crash" | "replug"): Promise<void> {
  const tap = new Tap();
  const device = await openDevice(bench, { wrap: tap.through });
  const blocks = randomBlocks(bench, sizesUpTo(100));
  const some = tap.repliesMore(20);
  const hashing = device.hash(blocks).then((digests) => {
    for (const [at, block] of blocks.entries()) expectBytes(digests[at], sha256(block), `block ${at + 1}`);
  });
  const end = outcome(hashing);
  await bench.settle(some, 10_000);
  await bench.act(ability);
  const code = await bench.settle(end, 30_000);
  expectThat(code === "answered" || code.startsWith("DEVICE_"), `hashing ended in ${code}`);
  // A device that had answered everything before is told from its notice, or when it is next asked.
  if (code === "answered") await outcome(bench.settle(device.ping(), 10_000));
  await bench.settle(device.close(), 5000);
  const next = await reopened(bench, device.info.bootId);
  expectThat(next.hello.device === device.info.id, `${next.hello.device} answers, it was ${device.info.id}`);
  await next.close();
  const again = await openDevice(bench);
  await expectRightDigests(bench, again);
  await again.close();
}

export const BOOT_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/boot/notice",
    title: "A device that starts says BOOT, with its new boot id and one word for the reason",
    spec: ["SPEC 4.1", "SPEC 7"],
    level: "SHOULD",
    can: ["restart"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      // The minimal profile has no notices.
      if (line.hello.capabilities.size === 1) return;
      await bench.act("restart");
      const event = await line.until((each) => isBoot(each, line.boot), 0, GONE_MS);
      const [boot = "", reason = ""] = event.kind === "frame" ? event.frame.args : [];
      expectThat(/^[0-9a-f]{8}$/.test(boot) && WORD.test(reason), `it says BOOT ${boot} ${reason}`);
      const [now = ""] = (await line.ask("HASH", ["00"])).args;
      expectThat(now === boot, `boot id ${now} after the notice of ${boot}`);
      const notices = line.heard.filter((each) => isBoot(each, line.boot));
      expectThat(notices.length === 1, `${notices.length} notices of one start`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/boot/other-id-every-time",
    title: "Every start draws another boot id",
    spec: ["SPEC 4.1"],
    can: ["restart"],
    run: async (bench) => {
      let line = await RawLine.open(bench);
      const boots = new Set([line.boot]);
      for (let times = 0; times < 3; times++) {
        line = await restarted(bench, line);
        expectThat(!boots.has(line.boot), `boot id ${line.boot} came twice`);
        boots.add(line.boot);
      }
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/boot/image-is-gone",
    title: "A restart forgets the image, and leaves nothing of it in the next",
    spec: ["SPEC 5.8", "SPEC 7"],
    needs: ["image"],
    can: ["restart"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const image = await RawImage.begin(bench, line, drawFilm(bench, 16));
      await image.fill();
      const after = await restarted(bench, line);
      expectErr(await after.ask("IMAGE", ["ROOTS", image.id, "8"]), "STATE", "the image of the boot before");
      const next = await RawImage.begin(bench, after, drawFilm(bench, 16));
      okWords(await next.rows(0, 8), "IMAGE ROWS", 0);
      expectErr(await next.ask("ROOTS", "8"), "MISSING", "an image whose lower half was sent before the restart");
      okWords(await next.rows(8, 8), "IMAGE ROWS", 0);
      const word = okWord(await next.ask("ROOTS", "8"), "IMAGE ROOTS");
      expectThat(word === `8=${ownRoot(next.image, 8)}`, `the root is ${word}`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/boot/search-is-gone",
    title: "A restart ends the search: its id is unknown afterwards",
    spec: ["SPEC 5.6", "SPEC 7"],
    needs: ["work"],
    can: ["restart"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS });
      okWords(await start(line, job), "WORK START");
      const after = await restarted(bench, line);
      expectErr(await after.ask("WORK", ["STATUS", job.id]), "STATE", "the search of the boot before");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/boot/host-hears-of-it",
    title: "A restart ends the host's connection by name, and an idle host finds out when it asks",
    spec: ["SPEC 4.1", "SPEC 6"],
    can: ["restart"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const ending = gone(bench, device);
      await bench.act("restart");
      // Should the notice be lost, the next answer's boot id tells.
      void outcome(device.ping());
      const code = await ending;
      const named = ["DEVICE_REBOOTED", "DEVICE_BROWNOUT", "DEVICE_CRASHED", "DEVICE_CLOSED"].includes(code);
      expectThat(named, `the connection ended with ${code}`);
      const dead = await outcome(bench.settle(device.hash([Buffer.of(1)]), 5000));
      expectThat(dead === code, `a call afterwards ended in ${dead}, not in ${code}`);
      await bench.settle(device.close(), 5000);
      const after = await reopened(bench, device.info.bootId);
      expectDigest(okWord(await after.ask("HASH", ["00"]), "HASH"), Buffer.of(0), "00");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/boot/mid-batch",
    title: "A restart amid many requests: no wrong digest, every call ends, and the host finds the device again",
    spec: ["SPEC 4.1", "SPEC 6"],
    can: ["restart"],
    run: (bench) => interrupted(bench, "restart"),
  }),
  usbCase({
    ...MUST,
    id: "usb/boot/crash-mid-batch",
    title: "A crash whose boot text stands between replies: no wrong digest, every call ends, and it goes on",
    spec: ["SPEC 3.5", "SPEC 6"],
    can: ["crash"],
    run: (bench) => interrupted(bench, "crash"),
  }),
  usbCase({
    ...MUST,
    id: "usb/boot/crash-while-searching",
    title: "A crash ends the host's search by name, with the reason that the boot text or notice tells",
    spec: ["SPEC 5.6", "SPEC 6"],
    needs: ["work"],
    can: ["crash"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const { header, target, mask } = drawJob(bench, { difficulty: HOPELESS });
      const end = outcome(device.work({ header, target, versionMask: mask, deadlineMs: 20_000 }));
      await bench.settle(device.ping(), 5000);
      await bench.act("crash");
      const code = await bench.settle(end, 20_000);
      expectThat(["DEVICE_CRASHED", "DEVICE_REBOOTED"].includes(code), `the search ended in ${code}`);
      await bench.settle(device.close(), 5000);
      const after = await reopened(bench, device.info.bootId);
      okWords(await after.ask("PING"), "PING", 0);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/replug/mid-batch",
    title: "A plug pulled amid many requests and put back under another name: every call ends, the same device goes on",
    spec: ["SPEC 6"],
    can: ["replug"],
    run: (bench) => interrupted(bench, "replug"),
  }),
  usbCase({
    ...MUST,
    id: "usb/replug/idle",
    title: "A plug that is pulled while nothing was asked ends the connection, at once and once",
    spec: ["SPEC 6"],
    can: ["replug"],
    run: async (bench) => {
      const device = await openDevice(bench);
      let ends = 0;
      device.onGone(() => {
        ends += 1;
      });
      const ending = gone(bench, device);
      await bench.act("replug");
      const code = await ending;
      expectThat(code === "DEVICE_CLOSED", `the connection ended with ${code}`);
      await bench.settle(device.close(), 5000);
      expectThat(ends === 1, `it ended ${ends} times`);
      const again = await openDevice(bench);
      await expectRightDigests(bench, again);
      await again.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/replug/mid-image",
    title: "An image that was cut off is sent anew after the plug is back, and its roots are right",
    spec: ["SPEC 6", "SPEC 5.8"],
    needs: ["image"],
    can: ["replug"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const image = drawFilm(bench, 64);
      const some = tap.repliesMore(2);
      const end = outcome(device.image(image, { scales: [8], raw: true }));
      await bench.settle(some, 5000);
      await bench.act("replug");
      const code = await bench.settle(end, 20_000);
      expectThat(code === "DEVICE_CLOSED" || code === "answered", `the image ended in ${code}`);
      await bench.settle(device.close(), 5000);
      const again = await openDevice(bench);
      const { roots } = await bench.settle(again.image(image, { scales: [8], raw: true }), 20_000);
      expectThat(hexOf(roots.get(8) ?? Buffer.alloc(0)) === ownRoot(image, 8), "the root is wrong");
      await again.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/connect/ten-times",
    title: "A host that comes and goes ten times finds the same boot, and every time right digests",
    spec: ["SPEC 6"],
    run: async (bench) => {
      const boots = new Set<string>();
      for (let times = 0; times < 10; times++) {
        const device = await openDevice(bench);
        boots.add(device.info.bootId);
        await expectRightDigests(bench, device);
        await bench.settle(device.close(), 5000);
      }
      expectThat(boots.size === 1, `opening and closing the port restarted the device ${boots.size - 1} times`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/connect/left-overs",
    title: "Answers that a host did not wait for are not taken for the next host's",
    spec: ["SPEC 4.1", "SPEC 6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { credits } = line.hello;
      const requests = randomBlocks(bench, new Array(Math.min(8, credits.lines)).fill(9));
      await line.say(Buffer.concat(requests.map((block) => line.make("HASH", [hexOf(block)]).bytes)));
      await line.close();
      const device = await openDevice(bench);
      for (let times = 0; times < 5; times++) await expectRightDigests(bench, device);
      await device.close();
    },
  }),
];
