/** SPEC 5.8: images row by row, as a device must bear them. */
import type { DeviceImage } from "../../../host/device/device.ts";
import { randomHex8 } from "../../../host/device/session/handshake.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { expectBytes, expectErr, okPayload, okWord, okWords } from "./support/expect.ts";
import { drawFilm, ownDigests, ownRoot, RawImage } from "./support/films.ts";
import { RawLine } from "./support/raw-line.ts";

const MUST = { level: "MUST", needs: ["image"] } as const;
const SIDE = 16;
/** 60,000 zeros: what deflate makes of them differs from computer to computer. */
const ZEROS_DEFLATED = `7cExAQAAAMKg9U9tDQ+g${"A".repeat(76)}AL4M`;

async function begin(bench: UsbBench, image = drawFilm(bench, SIDE)) {
  const line = await RawLine.open(bench);
  return { line, image: await RawImage.begin(bench, line, image) };
}

async function expectRoot(image: RawImage, of: DeviceImage, scale = 8): Promise<void> {
  const word = okWord(await image.ask("ROOTS", String(scale)), "IMAGE ROOTS");
  const own = `${scale}=${ownRoot(of, scale)}`;
  expectThat(word === own, `the root is ${word}, the host's own is ${own}`);
}

/** Rows behind each of the five filters of PNG, in turn; zeros stand above the first. */
function filtered({ width, height, samples }: DeviceImage): Buffer {
  const out = Buffer.alloc((width + 1) * height);
  const at = (x: number, y: number) => (x < 0 || y < 0 ? 0 : (samples[y * width + x] ?? 0));
  for (let y = 0; y < height; y++) {
    const type = y % 5;
    out[y * (width + 1)] = type;
    for (let x = 0; x < width; x++) {
      const [left, up, upLeft] = [at(x - 1, y), at(x, y - 1), at(x - 1, y - 1)];
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, upLeft)][type] ?? 0;
      out[y * (width + 1) + 1 + x] = at(x, y) - guess;
    }
  }
  return out;
}

function paeth(left: number, up: number, upLeft: number): number {
  const estimate = left + up - upLeft;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - upLeft)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : upLeft;
}

/** Deflate without compression (RFC 1951 §3.2.4): the same bytes from every computer. */
function stored(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(bytes.length ^ 0xffff, 3);
  return Buffer.concat([head, bytes]);
}

export const IMAGE_ROW_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/image/rows-in-any-order",
    title: "Rows may come in any order",
    spec: ["SPEC 5.8"],
    run: async (bench) => {
      const { image } = await begin(bench);
      for (const first of [12, 0, 8, 4]) okWords(await image.rows(first, 4), "IMAGE ROWS", 0);
      await expectRoot(image, image.image);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/rows-again",
    title: "Rows that come again replace those before: the last ones count",
    spec: ["SPEC 5.8"],
    run: async (bench) => {
      const { image } = await begin(bench);
      await image.fill();
      await expectRoot(image, image.image);
      const other = drawFilm(bench, SIDE);
      okWords(await image.rows(4, 4, other.samples), "IMAGE ROWS again", 0);
      const samples = Uint8Array.from(image.image.samples);
      samples.set(other.samples.subarray(4 * SIDE, 8 * SIDE), 4 * SIDE);
      await expectRoot(image, { ...image.image, samples });
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/missing",
    title: "An image with missing rows is MISSING and names the lowest of them",
    spec: ["SPEC 5.8", "SPEC 4.3"],
    run: async (bench) => {
      const { image } = await begin(bench);
      const missing = async (row: number) => {
        const reply = await image.ask("ROOTS", "8");
        expectErr(reply, "MISSING", `IMAGE ROOTS with row ${row} missing`);
        expectThat(reply.args[2] === String(row), `row ${reply.args[2]} is named missing, not ${row}`);
      };
      await missing(0);
      okWords(await image.rows(0, 4), "IMAGE ROWS", 0);
      await missing(4);
      okWords(await image.rows(8, 8), "IMAGE ROWS", 0);
      await missing(4);
      expectErr(await image.ask("DIGESTS", "8", "0", "1"), "MISSING", "IMAGE DIGESTS with rows missing");
      okWords(await image.rows(4, 4), "IMAGE ROWS", 0);
      await expectRoot(image, image.image);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/another-takes-its-place",
    title: "NEW of another id or size forgets the image; NEW of the same changes nothing",
    spec: ["SPEC 5.8"],
    run: async (bench) => {
      const { line, image } = await begin(bench);
      await image.fill();
      okWords(await image.ask("NEW", "16", "16"), "IMAGE NEW again", 0);
      await expectRoot(image, image.image);
      const second = await RawImage.begin(bench, line, drawFilm(bench, 8));
      expectErr(await image.ask("ROOTS", "8"), "STATE", "the image before");
      expectErr(await image.rows(0, 1), "STATE", "rows of the image before");
      await second.fill();
      await expectRoot(second, second.image);
      okWords(await second.ask("NEW", "16", "8"), "IMAGE NEW of another size", 0);
      expectErr(await second.ask("ROOTS", "8"), "MISSING", "an image of another size");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/abandoned",
    title: "An image that a host left half sent is gone for the next one",
    spec: ["SPEC 5.8", "SPEC 5.1"],
    run: async (bench) => {
      const { line, image } = await begin(bench);
      okWords(await image.rows(0, 8), "IMAGE ROWS", 0);
      await line.close();
      const next = await RawLine.open(bench);
      const words = ["ROOTS", image.id, "8"];
      expectErr(await next.ask("IMAGE", words), "STATE", "the image of the host before");
      const second = await RawImage.begin(bench, next, drawFilm(bench, SIDE));
      await second.fill();
      await expectRoot(second, second.image);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/refused-payloads",
    title: "Payloads that do not fit are refused and deliver no row; what arrived before stays",
    spec: ["SPEC 5.8", "SPEC 4.3"],
    run: async (bench) => {
      const { line, image } = await begin(bench);
      await image.fill();
      const rows = (first: number, payload: Uint8Array) =>
        line.ask("IMAGE", ["ROWS", image.id, String(first), "raw"], payload);
      expectErr(await rows(15, Buffer.alloc(2 * SIDE)), "PAYLOAD", "rows beyond the height");
      expectErr(await rows(0, Buffer.alloc(SIDE + 1)), "PAYLOAD", "a row and a byte");
      expectErr(await rows(SIDE, Buffer.alloc(SIDE)), "PAYLOAD", "a row below the last");
      expectErr(await line.ask("IMAGE", ["ROWS", image.id, "0", "zip"], Buffer.alloc(SIDE)), "ARGS", "rows zipped");
      expectErr(await line.ask("IMAGE", ["ROWS", image.id, "0", "raw"]), "ARGS", "rows without a payload");
      const roots = await image.ask("ROOTS", "8");
      if (roots.verb === "OK") await expectRoot(image, image.image);
      // Rows that a refused payload meant may have become missing, and no others.
      else expectErr(roots, "MISSING", "IMAGE ROOTS after refused rows");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/limits",
    title: "Sizes and scales out of range are refused by name",
    spec: ["SPEC 5.8", "SPEC 9"],
    run: async (bench) => {
      const { line, image } = await begin(bench);
      await image.fill();
      const id = randomHex8(bench.random);
      const ask = (...words: readonly string[]) => line.ask("IMAGE", words);
      for (const [width, height] of [
        ["0", "1"],
        ["1", "0"],
        ["1025", "1"],
        ["1", "1025"],
        ["08", "8"],
      ] as const) {
        expectErr(await ask("NEW", id, width, height), "ARGS", `an image of ${width} × ${height}`);
      }
      if (line.hello.maxImagePixels < 1024 * 1024) {
        expectErr(await ask("NEW", id, "1024", "1024"), "LENGTH", "an image larger than maxImage");
      }
      for (const scales of ["0", "3", "17", "65", "8,", "8,8,8,8,8"]) {
        expectErr(await image.ask("ROOTS", scales), "ARGS", `roots at ${scales}`);
      }
      // None of this has harmed the image.
      await expectRoot(image, image.image);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/scales",
    title: "Roots come in the order of the scales asked for, one asked twice being answered twice",
    spec: ["SPEC 5.8"],
    run: async (bench) => {
      const { image } = await begin(bench);
      await image.fill();
      const scales = [16, 4, 8, 4];
      const words = okWords(await image.ask("ROOTS", scales.join(",")), "IMAGE ROOTS", 4);
      const own = scales.map((scale) => `${scale}=${ownRoot(image.image, scale)}`);
      expectThat(words.join() === own.join(), `the roots are ${words.join(" ")}`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/digests",
    title: "DIGESTS gives the digests of the blocks asked for, and of no others",
    spec: ["SPEC 5.8"],
    run: async (bench) => {
      const { image } = await begin(bench);
      await image.fill();
      const own = ownDigests(image.image, 4);
      for (const [first, count] of [
        [0, 16],
        [0, 1],
        [5, 3],
        [15, 1],
      ] as const) {
        const digests = okPayload(await image.ask("DIGESTS", "4", String(first), String(count)), "IMAGE DIGESTS");
        expectBytes(
          digests,
          own.subarray(32 * first, 32 * (first + count)),
          `digests ${first} to ${first + count - 1}`,
        );
      }
      expectErr(await image.ask("DIGESTS", "4", "15", "2"), "ARGS", "digests beyond the last");
      expectErr(await image.ask("DIGESTS", "4", "0", "0"), "ARGS", "no digests");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/filters",
    title: "Deflated rows under each of the five filters are the rows that were meant",
    spec: ["SPEC 5.8"],
    run: async (bench) => {
      const { line, image } = await begin(bench, drawFilm(bench, 16, 10));
      const rows = filtered(image.image);
      const reply = await line.ask("IMAGE", ["ROWS", image.id, "0", "deflate"], stored(rows));
      if (line.hello.inflateBytes === 0)
        return expectErr(reply, "ARGS", "deflated rows to a device that inflates none");
      okWords(reply, "IMAGE ROWS deflated", 0);
      await expectRoot(image, image.image, 2);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/image/bad-deflate",
    title: "A deflated payload that breaks off, is too long, or has a filter that is none, delivers no row",
    spec: ["SPEC 5.8", "SPEC 11"],
    run: async (bench) => {
      const { line, image } = await begin(bench, drawFilm(bench, 16, 10));
      if (line.hello.inflateBytes === 0) return;
      const rows = filtered(image.image);
      const ask = (payload: Uint8Array) => line.ask("IMAGE", ["ROWS", image.id, "0", "deflate"], payload);
      const whole = stored(rows);
      expectErr(await ask(whole.subarray(0, -1)), "PAYLOAD", "a stream that breaks off");
      expectErr(await ask(Buffer.concat([whole, Buffer.of(0)])), "PAYLOAD", "a stream with a byte behind it");
      expectErr(await ask(stored(rows.subarray(0, -1))), "PAYLOAD", "a row too short");
      expectErr(await ask(stored(Buffer.concat([Buffer.of(5), rows.subarray(1)]))), "PAYLOAD", "filter 5");
      expectErr(await ask(Buffer.of(0xff, 0xff, 0xff)), "PAYLOAD", "no deflate at all");
      const bomb = Buffer.from(ZEROS_DEFLATED, "base64");
      if (line.fits("IMAGE", ["ROWS", image.id, "0", "deflate"], bomb)) {
        expectErr(await ask(bomb), "PAYLOAD", "60,000 zeros deflated");
      }
      expectErr(await image.ask("ROOTS", "2"), "MISSING", "an image without a good row");
    },
  }),
];
