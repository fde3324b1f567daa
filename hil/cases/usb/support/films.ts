/** Images that are drawn, and what the host makes of them itself. */
import { BLOCK_SIZES, digestBlocks, gridOf, RASTER_SIDE } from "../../../../host/attention/blocks.ts";
import type { DeviceImage } from "../../../../host/device/device.ts";
import { sha256 } from "../../../../host/device/digest.ts";
import { randomHex8 } from "../../../../host/device/session/handshake.ts";
import { merkleRoot } from "../../../../host/work/merkle.ts";
import type { UsbBench } from "../../../rig/bench.ts";
import { seeded } from "./driver.ts";
import { hexOf, okWords } from "./expect.ts";
import type { RawLine } from "./raw-line.ts";

const NOISE = 8;
const DIGEST_BYTES = 32;

/** Something like a film: it shrinks under deflate, and no two are alike. */
export function drawFilm(bench: UsbBench, width: number, height = width): DeviceImage {
  const random = seeded(bench);
  const samples = Uint8Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    return (x + y + (x * y) / 64) / 2 + random.below(NOISE);
  });
  return { width, height, samples };
}

/** What the appliance computes of a whole raster: scale → its block digests, end to end. */
export function ownFilmDigests({ samples }: DeviceImage): ReadonlyMap<number, Buffer> {
  return new Map(
    BLOCK_SIZES.map((block) => {
      const count = gridOf(block) ** 2;
      const digests = Buffer.alloc(count * DIGEST_BYTES);
      digestBlocks(samples, block, 0, count, digests);
      return [block, digests];
    }),
  );
}

/** Block digests of an image of any size, end to end. */
export function ownDigests({ width, height, samples }: DeviceImage, scale: number): Buffer {
  const across = width / scale;
  const digests = Array.from({ length: across * (height / scale) }, (_, index) => {
    const at = Math.floor(index / across) * scale * width + (index % across) * scale;
    const rows = Array.from({ length: scale }, (_, row) =>
      samples.subarray(at + row * width, at + row * width + scale),
    );
    return sha256(Buffer.concat(rows));
  });
  return Buffer.concat(digests);
}

export function ownRoot(image: DeviceImage, scale: number): string {
  return hexOf(merkleRoot(ownDigests(image, scale)));
}

/** One image on the raw line, row by row. */
export class RawImage {
  readonly id: string;
  readonly image: DeviceImage;
  readonly #line: RawLine;

  private constructor(line: RawLine, id: string, image: DeviceImage) {
    this.#line = line;
    this.id = id;
    this.image = image;
  }

  static async begin(bench: UsbBench, line: RawLine, image: DeviceImage): Promise<RawImage> {
    const one = new RawImage(line, randomHex8(bench.random), image);
    okWords(await one.ask("NEW", String(image.width), String(image.height)), "IMAGE NEW", 0);
    return one;
  }

  ask(what: string, ...words: readonly string[]) {
    return this.#line.ask("IMAGE", [what, this.id, ...words]);
  }

  rows(first: number, count: number, samples = this.image.samples) {
    const { width } = this.image;
    const payload = samples.subarray(first * width, (first + count) * width);
    return this.#line.ask("IMAGE", ["ROWS", this.id, String(first), "raw"], payload);
  }

  /** Every row, as many a line as fit before and after HELLO. */
  async fill(samples = this.image.samples): Promise<void> {
    const { width, height } = this.image;
    const most = Math.max(1, Math.floor((this.#line.lineBytes - 80) / width));
    for (let first = 0; first < height; first += most) {
      okWords(await this.rows(first, Math.min(most, height - first), samples), "IMAGE ROWS", 0);
    }
  }
}

export const FILM_SIDE = RASTER_SIDE;
