/** Files to measure with: the shipped films, and 224 × 224 JPEGs made from them, as the data set's are. */
import sharp from "sharp";
import type { Rasteriser } from "../../host/raster/rasteriser.ts";
import { FILMS, readFilm } from "../demo/films.ts";

export const FULL_FILMS: readonly Uint8Array[] = FILMS.map(readFilm);

/** `count` different images: each film shifted sideways by a few pixels more. */
export async function smallFiles(rasteriser: Rasteriser, count: number): Promise<Uint8Array[]> {
  const rasters = await Promise.all(FULL_FILMS.map(async (film) => (await rasteriser.rasterise(film)).raster.samples));
  const files: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const samples = rasters[i % rasters.length] ?? new Uint8Array();
    const shift = Math.floor(i / rasters.length);
    const moved = samples.map((_, at) => samples[at - (at % 224) + (((at % 224) + shift) % 224)] ?? 0);
    // Three equal channels, as the data set's files have them.
    const rgb = Uint8Array.from({ length: moved.length * 3 }, (_, at) => moved[Math.floor(at / 3)] ?? 0);
    files.push(
      await sharp(rgb, { raw: { width: 224, height: 224, channels: 3 } })
        .jpeg({ quality: 75 })
        .toBuffer(),
    );
  }
  return files;
}
