/** PNG's chunks (W3C PNG, third edition, §5 and §11). */
import { RasterError } from "./error.ts";
import type { Header } from "./header.ts";
import { exifOrientation } from "./header-tiff.ts";

const SIGNATURE_BYTES = 8;
const COLOUR_TYPE = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgbAlpha: 6 } as const;

/** @throws RasterError; RangeError when a chunk runs past the end */
export function pngHeader(view: DataView): Header {
  const bitsPerSample = view.getUint8(24);
  const colourType = view.getUint8(25);
  const ancillary = walkChunks(view);
  const channels = channelsOf(colourType);
  if (bitsPerSample !== 8 && bitsPerSample !== 16) {
    throw new RasterError("RASTER_DEPTH", `the PNG has ${bitsPerSample} bits a sample`);
  }
  return {
    format: "png",
    width: view.getUint32(16),
    height: view.getUint32(20),
    bitsPerSample,
    channels,
    ...ancillary,
  };
}

function channelsOf(colourType: number): 1 | 3 {
  switch (colourType) {
    case COLOUR_TYPE.grey:
      return 1;
    // A palette is expanded to RGB; a grey one then has equal channels.
    case COLOUR_TYPE.rgb:
    case COLOUR_TYPE.palette:
      return 3;
    case COLOUR_TYPE.greyAlpha:
    case COLOUR_TYPE.rgbAlpha:
      throw new RasterError("RASTER_ALPHA", "the PNG has an alpha channel");
    default:
      throw new RasterError("RASTER_CORRUPT", `the PNG has the unknown colour type ${colourType}`);
  }
}

function walkChunks(view: DataView): { orientation: number; hasIcc: boolean } {
  let orientation = 1;
  let hasIcc = false;
  for (let at = SIGNATURE_BYTES; ; ) {
    const length = view.getUint32(at);
    const type = fourLetters(view, at + 4);
    if (at === SIGNATURE_BYTES && type !== "IHDR") throw new RasterError("RASTER_CORRUPT", "the PNG has no IHDR");
    if (type === "IEND") return { orientation, hasIcc };
    if (type === "acTL") throw new RasterError("RASTER_ANIMATED", "the PNG is animated (acTL)");
    if (type === "tRNS") throw new RasterError("RASTER_ALPHA", "the PNG has transparency (tRNS)");
    if (type === "iCCP") hasIcc = true;
    if (type === "eXIf") orientation = exifOrientation(view, at + 8, length);
    at += 12 + length;
  }
}

function fourLetters(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}
