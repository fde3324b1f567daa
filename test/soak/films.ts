/** Films without end: new files with old pixels, new pixels, and files that were there before. */
import sharp from "sharp";
import type { Seeded } from "../../host/device/testing/seeded.ts";
import { FILMS, readFilm } from "../demo/films.ts";

export interface SoakFilm {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const SIDE_PX = 224;
const SHADES = 80;
const KEPT = 16;

export class FilmSource {
  readonly #seeded: Seeded;
  readonly #earlier: Uint8Array[] = [];
  #count = 0;

  constructor(seeded: Seeded) {
    this.#seeded = seeded;
  }

  async next(): Promise<SoakFilm> {
    this.#count += 1;
    const name = `film-${String(this.#count).padStart(6, "0")}.jpeg`;
    const bytes = await this.#bytes();
    this.#earlier.push(bytes);
    if (this.#earlier.length > KEPT) this.#earlier.shift();
    return { name, bytes };
  }

  async #bytes(): Promise<Uint8Array> {
    const kind = this.#seeded.next();
    const film = readFilm(this.#seeded.pick(FILMS));
    if (kind < 0.3 && this.#earlier.length > 0) return this.#seeded.pick(this.#earlier);
    // What stands behind the end of a JPEG changes the file's digest, and no pixel.
    if (kind < 0.6) return Buffer.concat([film, Buffer.from(`film ${this.#count}`)]);
    const shade = (this.#count % SHADES) / 2;
    return sharp(film).resize(SIDE_PX, SIDE_PX, { fit: "fill" }).linear(1, -shade).jpeg({ quality: 75 }).toBuffer();
  }
}
