/** Films without end, all different, and files that are none. */
import sharp from "sharp";
import type { Seeded } from "../../host/device/testing/seeded.ts";
import { FILMS, type Film, readFilm } from "../demo/films.ts";

export interface TestFilm {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** False where it must be refused. */
  readonly good: boolean;
}

const SIDE_PX = 224;
/** The film's number, a square a bit: no two films have the same pixels, also after JPEG. */
const [SQUARE_PX, BITS] = [8, 24];
const [DARK, BRIGHT] = [96, 160];
const PNG_HEAD = Buffer.from("89504e470d0a1a0a0000000d49484452000000e0000000e0", "hex");

export class FilmMaker {
  readonly #seeded: Seeded;
  readonly #bases = new Map<Film, Promise<Buffer>>();
  #count = 0;

  constructor(seeded: Seeded) {
    this.#seeded = seeded;
  }

  /** One of the real films, small, with its number in it. */
  async good(): Promise<TestFilm> {
    const number = ++this.#count;
    const pixels = Buffer.from(await this.#base(this.#seeded.pick(FILMS)));
    for (let bit = 0; bit < BITS; bit++) paint(pixels, bit, (number >> bit) & 1 ? BRIGHT : DARK);
    const bytes = await sharp(pixels, { raw: { width: SIDE_PX, height: SIDE_PX, channels: 1 } })
      .jpeg({ quality: 75 })
      .toBuffer();
    return { name: `film-${String(number).padStart(6, "0")}.jpeg`, bytes, good: true };
  }

  /** Text, nothing, or the beginning of a picture. */
  bad(): TestFilm {
    const number = ++this.#count;
    const bytes = this.#seeded.pick([Buffer.from(`no film ${number}`), Buffer.alloc(0), PNG_HEAD]);
    return { name: `film-${String(number).padStart(6, "0")}.png`, bytes, good: false };
  }

  #base(film: Film): Promise<Buffer> {
    const made =
      this.#bases.get(film) ??
      sharp(readFilm(film)).resize(SIDE_PX, SIDE_PX, { fit: "fill" }).greyscale().raw().toBuffer();
    this.#bases.set(film, made);
    return made;
  }
}

function paint(pixels: Buffer, square: number, grey: number): void {
  for (let y = SIDE_PX - SQUARE_PX; y < SIDE_PX; y++) {
    pixels.fill(grey, y * SIDE_PX + square * SQUARE_PX, y * SIDE_PX + (square + 1) * SQUARE_PX);
  }
}
