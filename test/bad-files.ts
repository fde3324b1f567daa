/** Files that users really send, and the code that each is refused with. */
import sharp from "sharp";
import { chunk, pattern, png } from "../host/raster/fixtures/encode.ts";
import { FILMS, readFilm } from "./demo/films.ts";

export type BadFile = readonly [name: string, code: string, bytes: Uint8Array];

const colour = { width: 300, height: 300, channels: 3, background: { r: 200, g: 30, b: 60 } } as const;

export async function badFiles(): Promise<readonly BadFile[]> {
  const [film] = FILMS;
  if (film === undefined) throw new Error("there are no films");
  const jpeg = readFilm(film);
  const grey = (width: number, height: number, extra: object = {}) =>
    png({ width, height, bits: 8, colourType: 0, data: Uint8Array.from(pattern(width, height, 1)), ...extra });
  const bombData = new Uint8Array(30_000 * 2_000);
  const frames = chunk("acTL", Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]));
  const image = sharp({ create: colour });
  return [
    ["truncated.jpeg", "RASTER_CORRUPT", jpeg.subarray(0, jpeg.length >> 1)],
    ["zero-bytes.png", "RASTER_EMPTY", new Uint8Array()],
    ["wrong-magic.png", "RASTER_FORMAT", Buffer.from("this is a letter, not a film")],
    ["bomb.png", "RASTER_TOO_WIDE", png({ width: 30_000, height: 2_000, bits: 8, colourType: 0, data: bombData })],
    [
      "pixels.png",
      "RASTER_TOO_MANY_PIXELS",
      png({ width: 10_000, height: 6_000, bits: 8, colourType: 0, data: bombData }),
    ],
    ["rgba.png", "RASTER_ALPHA", await sharp(jpeg).toColourspace("srgb").ensureAlpha(0.5).png().toBuffer()],
    ["colour.png", "RASTER_COLOUR", await image.clone().png().toBuffer()],
    ["cmyk.jpeg", "RASTER_CMYK", await image.clone().toColourspace("cmyk").jpeg().toBuffer()],
    ["animated.png", "RASTER_ANIMATED", grey(300, 300, { before: [frames] })],
    ["one-pixel.png", "RASTER_TOO_SMALL", grey(1, 1)],
    ["wide.png", "RASTER_TOO_WIDE", grey(20_000, 100)],
  ];
}
