/**
 * What a file says of itself, read without decoding a pixel.
 *
 * Bounds are checked on this, so that a decompression bomb costs nothing; the decoder's own answer is
 * compared with it afterwards. Pure: bytes in, facts or a named error out.
 */
import { RasterError } from "./error.ts";
import { jpegHeader } from "./header-jpeg.ts";
import { pngHeader } from "./header-png.ts";
import { tiffHeader } from "./header-tiff.ts";
import { type Format, sniffFormat } from "./sniff.ts";

export interface Header {
  readonly format: Format;
  /** As stored, before orientation, in px. */
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: 8 | 16;
  readonly channels: 1 | 3;
  /** EXIF/TIFF orientation 1…8; 1 is upright. */
  readonly orientation: number;
  readonly hasIcc: boolean;
}

export interface PixelBounds {
  readonly maxPixels: number;
  readonly maxSidePx: number;
}

/** Smaller than any radiograph, or even a usable thumbnail of one. */
const MIN_SIDE_PX = 64;

/**
 * @throws RasterError RASTER_EMPTY, RASTER_FORMAT, RASTER_ANIMATED, RASTER_ALPHA, RASTER_CMYK, RASTER_COLOUR,
 *   RASTER_DEPTH, RASTER_CORRUPT; and out of bounds RASTER_TOO_WIDE, RASTER_TOO_MANY_PIXELS, RASTER_TOO_SMALL
 */
export function readHeader(bytes: Uint8Array, bounds: PixelBounds): Header {
  const format = sniffFormat(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = parse(format, view);
  checkBounds(header, bounds);
  return header;
}

function parse(format: Format, view: DataView): Header {
  try {
    switch (format) {
      case "png":
        return pngHeader(view);
      case "jpeg":
        return jpegHeader(view);
      case "tiff":
        return tiffHeader(view);
    }
  } catch (error) {
    // A DataView refuses to read past the end: the header points outside the file.
    if (!(error instanceof RangeError)) throw error;
    throw new RasterError("RASTER_CORRUPT", `the ${format} header is cut off`, { cause: error });
  }
}

function checkBounds({ width, height }: Header, { maxPixels, maxSidePx }: PixelBounds): void {
  const size = `the image is ${width}×${height} px`;
  if (width === 0 || height === 0) throw new RasterError("RASTER_CORRUPT", size);
  if (Math.max(width, height) > maxSidePx) {
    throw new RasterError("RASTER_TOO_WIDE", `${size}, a side may have ${maxSidePx}`);
  }
  if (width * height > maxPixels) {
    throw new RasterError("RASTER_TOO_MANY_PIXELS", `${size}, ${maxPixels} in all are allowed`);
  }
  if (Math.min(width, height) < MIN_SIDE_PX) {
    throw new RasterError("RASTER_TOO_SMALL", `${size}, a side needs at least ${MIN_SIDE_PX}`);
  }
}
