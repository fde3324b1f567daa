/** The quality gate on real films, whole and spoilt. How often it errs is measured in models/evidence/gate.md. */
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { reasonsNotToAssess } from "../host/pipeline/quality.ts";
import { FILMS, readFilm } from "./demo/films.ts";

const SIDE_PX = 224;

/** Twice the raster's side, so that what is spoilt is spoilt before the film gets its final size. */
const SPOILT_PX = 448;

async function judged(film: Buffer, spoil: (image: Sharp) => Sharp): Promise<readonly string[]> {
  const spoilt = await spoil(sharp(film).greyscale().resize(SPOILT_PX, SPOILT_PX, { fit: "fill" }))
    .png()
    .toBuffer();
  const small = sharp(spoilt).greyscale().resize(SIDE_PX, SIDE_PX, { fit: "fill", kernel: "linear" });
  return reasonsNotToAssess(Uint8Array.from(await small.toColourspace("b-w").raw().toBuffer()));
}

const films = FILMS.map((film) => ({ name: film.name, bytes: readFilm(film) }));

describe.each(films)("$name", ({ bytes }) => {
  test.each<[string, (image: Sharp) => Sharp]>([
    ["as it is", (image) => image],
    ["mirrored", (image) => image.flop()],
    ["darker", (image) => image.linear(1, -40)],
    ["flatter", (image) => image.linear(0.6, 40)],
    ["turned by 3°", (image) => image.rotate(3, { background: "black" })],
    ["saved as a poor JPEG", (image) => image.jpeg({ quality: 30 })],
  ])("%s, is assessed", async (_, spoil) => {
    expect(await judged(bytes, spoil)).toEqual([]);
  });

  test.each<[string, string, (image: Sharp) => Sharp]>([
    ["INVERTED", "negated", (image) => image.negate()],
    ["ROTATED", "a quarter turned", (image) => image.rotate(90)],
    ["ROTATED", "upside down", (image) => image.rotate(180)],
    ["BLURRED", "out of focus", (image) => image.blur(18)],
  ])("is %s when %s", async (reason, _, spoil) => {
    expect(await judged(bytes, spoil)).toEqual([reason]);
  });
});
