/** A device that lies, with right checksums: the host finds it out, by name, and uses it no more. */
import type { WorkJob } from "../../host/device/device.ts";
import { DeviceLink } from "../../host/device/device-link.ts";
import { sha256, verifyDigests, verifyImage } from "../../host/device/digest.ts";
import { DeviceError } from "../../host/device/errors.ts";
import { SoftwareDevice } from "../../host/device/testing/software-device.ts";
import { outcome, randomBlocks, seeded } from "../cases/usb/support/driver.ts";
import { type Case, expectThat, usbCase } from "../rig/case.ts";
import { onStage } from "./stage.ts";

const SETTLE_MS = 15_000;
const LIES = { level: "MUST", needs: [], can: ["faults"] } as const;
const SIZES = [3, 5, 7, 11, 13, 17];
const SIDE = 32;
const SCALE = 8;
/** About 4,096 hashes. */
const EASY_TARGET = Buffer.from(`000f${"ff".repeat(30)}`, "hex");
const VERSION_MASK = 0x1fff_e000;

/** A lie about digests, and how many blocks it falsifies. */
interface DigestLie {
  readonly name: string;
  readonly title: string;
  readonly faults: string;
  readonly wrong: number;
  /** Answers that must be under way at once. */
  readonly lines?: number;
}

const DIGEST_LIES: readonly DigestLie[] = [
  {
    name: "wrong-digest",
    title: "One wrong digest behind a right checksum is found, and only that one",
    faults: "forge@read from=ready times=1",
    wrong: 1,
  },
  {
    name: "swapped-answers",
    title: "Two answers that changed places are both found",
    faults: "swap-answers@read from=ready times=1",
    wrong: 2,
    lines: 2,
  },
  {
    name: "stale-answer",
    title: "An earlier answer under a new number is found",
    faults: "stale-answer@read from=ready times=1",
    wrong: 1,
  },
];

export const LIE_CASES: readonly Case<"usb">[] = [
  ...DIGEST_LIES.map(({ name, title, faults, wrong, lines = 1 }) =>
    usbCase({
      ...{ ...LIES, id: `usb/lies/${name}`, title, spec: ["SPEC 1", "SPEC 11"] },
      run: (bench) =>
        onStage(bench, faults, async (stage) => {
          const device = await stage.open();
          if (device.hello.credits.lines < lines) return device.close();
          stage.ready();
          const blocks = randomBlocks(bench, SIZES);
          const check = verifyDigests(device, blocks, blocks.map(sha256));
          const { mismatches } = await bench.settle(check, SETTLE_MS);
          expectThat(mismatches.length === wrong, `${mismatches.length} wrong digests were found, ${wrong} were told`);
          await device.close();
        }),
    }),
  ),
  usbCase({
    ...{ ...LIES, needs: ["image"], id: "usb/lies/wrong-root", spec: ["SPEC 5.8", "SPEC 11"] },
    title: "A wrong root of an image is found",
    run: (bench) =>
      onStage(bench, "forge@read verb=IMAGE times=1", async (stage) => {
        const device = await stage.open();
        const image = { width: SIDE, height: SIDE, samples: seeded(bench).bytes(SIDE * SIDE) };
        const own = await new SoftwareDevice().image(image, { scales: [SCALE] });
        const expected = new Map([...own.roots].map(([scale, root]) => [scale, { root }]));
        const check = verifyImage(device, image, { scales: [SCALE] }, expected);
        const { mismatches } = await bench.settle(check, SETTLE_MS);
        expectThat(mismatches.join() === String(SCALE), `the wrong root was not found: ${mismatches.join() || "none"}`);
        await device.close();
      }),
  }),
  usbCase({
    ...{ ...LIES, needs: ["work"], can: ["faults", "work-scale"], id: "usb/lies/wrong-nonce", spec: ["SPEC 5.6"] },
    title: "A nonce that does not meet the target is refused by name",
    run: (bench) =>
      onStage(bench, "forge@read verb=WORK", async (stage) => {
        const device = await stage.open();
        const header = seeded(bench).bytes(80);
        const job: WorkJob = { header, target: EASY_TARGET, versionMask: VERSION_MASK, deadlineMs: 8000 };
        const ended = await bench.settle(outcome(device.work(job)), SETTLE_MS);
        expectThat(ended === "DEVICE_WORK_FALSE", `a false nonce ended in ${ended}`);
        await device.close();
      }),
  }),
  usbCase({
    ...{ ...LIES, id: "usb/lies/other-boot", spec: ["SPEC 4.1"] },
    title: "An answer under another boot id is no answer: all fails, and the host begins again",
    run: (bench) =>
      onStage(bench, "other-boot@read from=ready times=1", async (stage) => {
        const device = await stage.open();
        stage.ready();
        const ended = await bench.settle(outcome(device.hash(randomBlocks(bench, SIZES))), SETTLE_MS);
        expectThat(ended === "DEVICE_REBOOTED", `an answer of another boot ended in ${ended}`);
        await device.close();
      }),
  }),
  usbCase({
    ...{ ...LIES, id: "usb/lies/extra-word", spec: ["SPEC 5"] },
    title: "A reply with a word too many is refused by name",
    run: (bench) =>
      onStage(bench, "extra-word@read from=ready times=1", async (stage) => {
        const device = await stage.open();
        stage.ready();
        const ended = await bench.settle(outcome(device.hash(randomBlocks(bench, SIZES))), SETTLE_MS);
        expectThat(ended === "DEVICE_REPLY", `a reply of the wrong shape ended in ${ended}`);
        await device.close();
      }),
  }),
  usbCase({
    ...{ ...LIES, id: "usb/lies/distrusted", spec: ["SPEC 11", "DESIGN 5"] },
    title: "A device that gave one wrong digest is not used again, also not after it was plugged anew",
    run: (bench) =>
      onStage(bench, "forge@read from=ready times=1", async (stage) => {
        const { clock, random } = bench;
        const codes: string[] = [];
        const settled: (() => void)[] = [];
        const link = new DeviceLink({
          ...{ clock, random, backoffMs: 50 },
          connect: async (_, { admit }) => {
            const device = await stage.open();
            try {
              admit(device.info.id);
              return device;
            } catch (error) {
              await device.close();
              throw error;
            }
          },
          onChange: ({ kind }) => {
            if (kind === "connecting") return;
            codes.push(kind);
            for (const wake of settled.splice(0)) wake();
          },
        });
        const change = () => bench.settle(new Promise<void>((resolve) => settled.push(resolve)), SETTLE_MS);
        try {
          const ready = change();
          link.start();
          await ready;
          const device = link.current();
          expectThat(device !== undefined, `the link came to ${codes.join()}`);
          stage.ready();
          const blocks = randomBlocks(bench, SIZES);
          const { mismatches } = await bench.settle(verifyDigests(device, blocks, blocks.map(sha256)), SETTLE_MS);
          expectThat(mismatches.length === 1, "the wrong digest was not found");
          link.distrust(device.info.id, new DeviceError("DEVICE_DISTRUSTED", "a digest differs from the host's"));
          expectThat(link.current() === undefined, "a device that lied is still given out");
          expectThat(link.state.kind === "distrusted", `the link is ${link.state.kind}, not distrusted`);
          await link.stop();
          const refused = change();
          link.start();
          await refused;
          expectThat(codes.at(-1) === "distrusted", `after a new start the link came to ${codes.at(-1)}`);
        } finally {
          await link.stop();
        }
      }),
  }),
];
