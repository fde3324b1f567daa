/** SPEC 5.8: whole images, as the host's driver sends them. */

import { BLOCK_SIZES } from "../../../host/attention/blocks.ts";
import type { DeviceImage } from "../../../host/device/device.ts";
import { verifyImage } from "../../../host/device/digest.ts";
import { merkleRoot } from "../../../host/work/merkle.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome, timed } from "./support/driver.ts";
import { expectBytes, hexOf } from "./support/expect.ts";
import { drawFilm, FILM_SIDE, ownDigests, ownFilmDigests, ownRoot } from "./support/films.ts";
import { Tap } from "./support/tap.ts";

const MUST = { level: "MUST", needs: ["image"] } as const;
/** 50 kB at 115,200 baud take 4.4 s. */
const FILM_MS = 25_000;

/** A whole film at every scale of the attention map, compared with what the appliance computes itself. */
async function checkFilm(bench: UsbBench, raw: boolean, name: string): Promise<void> {
  const film = drawFilm(bench, FILM_SIDE);
  const own = ownFilmDigests(film);
  const expected = new Map([...own].map(([scale, digests]) => [scale, { root: merkleRoot(digests), digests }]));
  const tap = new Tap();
  const device = await openDevice(bench, { wrap: tap.through });
  const question = { scales: BLOCK_SIZES, digestsOf: [16], raw };
  const check = await timed(bench, name, () => bench.settle(verifyImage(device, film, question, expected), FILM_MS));
  const wrong = check.mismatches.join(", ");
  expectThat(check.checked === BLOCK_SIZES.length && wrong === "", `the roots of scales ${wrong} are wrong`);
  expectThat(check.wrongDigests.get(16) === 0, `${check.wrongDigests.get(16)} block digests of scale 16 are wrong`);
  expectCrossed(tap, film);
  await device.close();
}

/** The rows that went over the line are the image's, as many as it has. */
function expectCrossed(tap: Tap, { width, height }: DeviceImage): void {
  const rows = tap.sent.filter(({ verb, args }) => verb === "IMAGE" && args[0] === "ROWS");
  expectThat(rows.length > 0, "no rows went over the line");
  const raw = rows
    .filter(({ args }) => args[3] === "raw")
    .reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0);
  const deflated = rows.length > 0 && rows.some(({ args }) => args[3] === "deflate");
  expectThat(deflated || raw >= width * height, `${raw} bytes of ${width * height} pixels went over the line`);
}

export const IMAGE_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/image/film-raw",
    title: "A film sent as it is has the roots of the appliance's own attention map at every scale",
    spec: ["SPEC 5.8", "DESIGN 6"],
    run: (bench) => checkFilm(bench, true, "film-raw"),
  }),
  usbCase({
    ...MUST,
    id: "usb/image/film-deflated",
    title: "A film sent deflated has the same roots",
    spec: ["SPEC 5.8", "DESIGN 6"],
    run: (bench) => checkFilm(bench, false, "film-deflated"),
  }),
  usbCase({
    ...MUST,
    id: "usb/image/sizes",
    title: "Images of other shapes have the host's roots and digests, down to one pixel",
    spec: ["SPEC 5.8", "SPEC 5.4"],
    run: async (bench) => {
      const device = await openDevice(bench);
      for (const [width, height, scale] of [
        [1, 1, 1],
        [7, 3, 1],
        [8, 24, 8],
        [30, 20, 5],
        [64, 64, 32],
      ] as const) {
        const image = drawFilm(bench, width, height);
        const question = { scales: [scale], digestsOf: [scale] };
        const { roots, digests } = await bench.settle(device.image(image, question), FILM_MS);
        const of = `${width} × ${height} at ${scale}`;
        expectBytes(roots.get(scale), Buffer.from(ownRoot(image, scale), "hex"), `the root of ${of}`);
        expectBytes(digests.get(scale), ownDigests(image, scale), `the digests of ${of}`);
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/one-after-the-other",
    title: "Two images asked for at once are answered each with its own roots",
    spec: ["SPEC 5.8"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const images = [drawFilm(bench, 32), drawFilm(bench, 32), drawFilm(bench, 48)];
      const answers = images.map((image) => device.image(image, { scales: [8, 16] }));
      for (const [at, { roots }] of (await bench.settle(Promise.all(answers), FILM_MS)).entries()) {
        const image = images[at] ?? drawFilm(bench, 1);
        for (const scale of [8, 16]) {
          expectThat(hexOf(roots.get(scale) ?? Buffer.alloc(0)) === ownRoot(image, scale), `image ${at + 1} is wrong`);
        }
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/lost-rows-are-sent-again",
    title: "Rows that were lost on the way are named missing, sent again, and the roots are right",
    spec: ["SPEC 5.8", "SPEC 4.2"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const image = drawFilm(bench, 64);
      tap.lose = ({ verb, args }) => verb === "IMAGE" && args[0] === "ROWS";
      const { roots } = await bench.settle(device.image(image, { scales: [8], raw: true }), FILM_MS);
      expectThat(tap.lost > 0, "nothing was lost");
      expectBytes(roots.get(8), Buffer.from(ownRoot(image, 8), "hex"), "the root");
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/host-refuses",
    title: "The host sends no image that HELLO does not allow",
    spec: ["SPEC 5.8", "SPEC 9"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const before = tap.sent.length;
      const tooLarge = { width: 1025, height: 1, samples: Buffer.alloc(1025) };
      const code = await outcome(bench.settle(device.image(tooLarge, { scales: [1] }), 5000));
      expectThat(code === "DEVICE_LIMIT", `1025 × 1 pixels ended in ${code}`);
      expectThat(tap.sent.length === before, "something was sent");
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/pixel-matters",
    title: "One pixel changed by one changes the roots at every scale, and the digest of its block alone",
    spec: ["SPEC 5.8"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const image = drawFilm(bench, 32);
      const samples = Uint8Array.from(image.samples);
      samples[32 * 9 + 17] = (samples[32 * 9 + 17] ?? 0) ^ 1;
      const question = { scales: [8, 16], digestsOf: [8] };
      const before = await bench.settle(device.image(image, question), FILM_MS);
      const after = await bench.settle(device.image({ ...image, samples }, question), FILM_MS);
      for (const scale of [8, 16]) {
        const same = Buffer.compare(before.roots.get(scale) ?? samples, after.roots.get(scale) ?? samples) === 0;
        expectThat(!same, `the root at scale ${scale} is the same`);
      }
      expectBytes(after.digests.get(8), ownDigests({ ...image, samples }, 8), "the digests");
      await device.close();
    },
  }),
];
