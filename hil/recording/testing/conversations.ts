/** Cases that make a recording with something of everything. */
import type { WorkJob } from "../../../host/device/device.ts";
import { sha256, verifyDigests } from "../../../host/device/digest.ts";
import { Seeded } from "../../../host/device/testing/seeded.ts";
import { UsbDevice } from "../../../host/device/usb/usb-device.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { expectThat, usbCase } from "../../rig/case.ts";

/** A share of difficulty 2^-20: its digest begins with 12 zero bits. */
const EASY = Buffer.from(`000f${"ff".repeat(30)}`, "hex");

export async function open(bench: UsbBench): Promise<UsbDevice> {
  const line = await bench.settle(bench.connect(), 5000);
  return bench.settle(UsbDevice.open(line, { clock: bench.clock, random: bench.random, quietMs: 20 }), 10_000);
}

function jobOf(mark: number): WorkJob {
  const header = Buffer.alloc(80, mark);
  header.writeUInt32LE(0x20000000, 0);
  return { header, target: EASY, versionMask: 0x1fffe000, deadlineMs: 60_000 };
}

/** Digests, an image, a search, health, and a second connection. */
export const everything = usbCase({
  id: "usb/test/everything",
  title: "Every command once",
  spec: ["SPEC 5"],
  level: "MUST",
  needs: ["hash", "image", "work"],
  run: async (bench) => {
    const random = new Seeded(Math.floor(bench.random() * 2 ** 32));
    const device = await open(bench);
    const blocks = Array.from({ length: 40 }, (_, i) => random.bytes(1 + (i % 5) * 16));
    const { mismatches } = await bench.settle(verifyDigests(device, blocks, blocks.map(sha256)), 10_000);
    expectThat(mismatches.length === 0, "a digest is wrong");
    const image = { width: 32, height: 32, samples: random.bytes(1024) };
    const smooth = { ...image, samples: Uint8Array.from({ length: 1024 }, (_, i) => i % 32) };
    await bench.settle(device.image(image, { scales: [4, 8], digestsOf: [8] }), 10_000);
    await bench.settle(device.image(smooth, { scales: [8, 16] }), 10_000);
    const outcome = await bench.settle(device.work(jobOf(3)), 60_000);
    expectThat(outcome.kind === "found", `the search is ${outcome.kind}`);
    await bench.settle(device.health(), 5000);
    await bench.settle(device.close(), 5000);
    const again = await open(bench);
    await bench.settle(again.hash([random.bytes(8)]), 5000);
    await bench.settle(again.close(), 5000);
  },
});

/** One digest, quickly. */
export const oneDigest = usbCase({
  id: "usb/test/one-digest",
  title: "A digest is right",
  spec: ["SPEC 5.3"],
  level: "MUST",
  needs: ["hash"],
  run: async (bench) => {
    const device = await open(bench);
    const block = Buffer.from("abc");
    const [digest = Buffer.alloc(0)] = await bench.settle(device.hash([block]), 5000);
    expectThat(Buffer.from(digest).equals(sha256(block)), "the digest is wrong");
    await bench.settle(device.close(), 5000);
  },
});

/** The secret that no recording holds. */
export const asksKey = usbCase({
  id: "usb/test/key",
  title: "A key comes",
  spec: ["SPEC 5.7"],
  level: "MUST",
  needs: ["key"],
  run: async (bench) => {
    const device = await open(bench);
    await bench.settle(device.key(Buffer.alloc(32, 0x33)), 5000);
    await bench.settle(device.close(), 5000);
  },
});
