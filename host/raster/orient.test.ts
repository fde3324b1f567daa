import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decode } from "./decode.ts";
import { pattern } from "./fixtures/encode.ts";

const BOUNDS = { maxPixels: 40_000_000, maxSidePx: 16_000 };
const WIDTH = 70;
const HEIGHT = 90;
const samples = Uint8Array.from(pattern(WIDTH, HEIGHT, 5));

describe.each(["jpeg", "png", "tiff"] as const)("the orientation of a %s", (format) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "%i is applied as sharp's own auto-orientation does, and recorded",
    async (orientation) => {
      const file = await sharp(samples, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
        .toColourspace("b-w")
        .withMetadata({ orientation })
        .toFormat(format, { compression: "none" })
        .toBuffer();
      const expected = await sharp(file).autoOrient().toColourspace("b-w").raw().toBuffer({ resolveWithObject: true });
      const decoded = await decode(file, BOUNDS);
      expect([decoded.width, decoded.height]).toEqual([expected.info.width, expected.info.height]);
      expect(Buffer.from(decoded.samples).equals(expected.data)).toBe(true);
      expect(decoded.source).toMatchObject({ format, orientation, width: WIDTH, height: HEIGHT });
    },
  );
});
