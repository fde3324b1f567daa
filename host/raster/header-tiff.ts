/** TIFF 6.0's first image file directory, and the orientation that EXIF keeps in the same structure. */
import { RasterError } from "./error.ts";
import type { Header } from "./header.ts";

const TAG = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  photometric: 262,
  orientation: 274,
  samplesPerPixel: 277,
  extraSamples: 338,
  sampleFormat: 339,
  icc: 34675,
} as const;

const PHOTOMETRIC = { minIsWhite: 0, minIsBlack: 1, rgb: 2, cmyk: 5 } as const;
/** TIFF field type → bytes a value; only those in which the tags above may be stored. */
const VALUE_BYTES = new Map([
  [1, 1],
  [3, 2],
  [4, 4],
  [7, 1],
]);

interface Directory {
  /** Tag → its values, as many as are of use here. */
  readonly tags: ReadonlyMap<number, readonly number[]>;
  readonly next: number;
}

/** @throws RasterError; RangeError when a directory points past the end */
export function tiffHeader(view: DataView): Header {
  const { tags, next } = readDirectory(view);
  const first = (tag: number, fallback: number) => tags.get(tag)?.[0] ?? fallback;
  if (next !== 0) throw new RasterError("RASTER_ANIMATED", "the TIFF has more than one page");
  const channels = channelsOf(first(TAG.photometric, -1), first(TAG.samplesPerPixel, 1), tags.has(TAG.extraSamples));
  return {
    format: "tiff",
    width: first(TAG.width, 0),
    height: first(TAG.height, 0),
    bitsPerSample: depthOf(tags),
    channels,
    orientation: legalOrientation(first(TAG.orientation, 1)),
    hasIcc: tags.has(TAG.icc),
  };
}

/** The decoder inverts MinIsWhite, so that in both grey kinds more is brighter. */
function channelsOf(photometric: number, samples: number, extra: boolean): 1 | 3 {
  switch (photometric) {
    case PHOTOMETRIC.minIsWhite:
    case PHOTOMETRIC.minIsBlack:
      if (samples === 1) return 1;
      break;
    case PHOTOMETRIC.rgb:
      if (samples === 3) return 3;
      break;
    case PHOTOMETRIC.cmyk:
      throw new RasterError("RASTER_CMYK", "the TIFF is CMYK");
  }
  if (extra || samples === 2 || samples === 4) {
    throw new RasterError("RASTER_ALPHA", `the TIFF has ${samples} samples a pixel, some of them extra`);
  }
  throw new RasterError("RASTER_COLOUR", `the TIFF has photometric interpretation ${photometric}, samples ${samples}`);
}

function depthOf(tags: Directory["tags"]): 8 | 16 {
  const depths = [...new Set(tags.get(TAG.bitsPerSample) ?? [1])];
  const formats = tags.get(TAG.sampleFormat) ?? [1];
  const bits = depths[0];
  if (depths.length === 1 && (bits === 8 || bits === 16) && formats.every((format) => format === 1)) return bits;
  throw new RasterError("RASTER_DEPTH", `the TIFF has ${depths} bits a sample, sample format ${formats[0]}`);
}

/**
 * @param offset where the EXIF block's TIFF header begins
 * @returns orientation 1…8; 1 where the block says nothing or is damaged, since pixels do not depend on the rest
 */
export function exifOrientation(view: DataView, offset: number, lengthBytes: number): number {
  try {
    const block = new DataView(view.buffer, view.byteOffset + offset, lengthBytes);
    return legalOrientation(readDirectory(block).tags.get(TAG.orientation)?.[0] ?? 1);
  } catch {
    return 1;
  }
}

function legalOrientation(value: number): number {
  return value >= 1 && value <= 8 ? value : 1;
}

function readDirectory(view: DataView): Directory {
  const little = view.getUint16(0) === 0x4949;
  const start = view.getUint32(4, little);
  const count = view.getUint16(start, little);
  const wanted = new Set<number>(Object.values(TAG));
  const tags = new Map<number, readonly number[]>();
  for (let i = 0; i < count; i++) {
    const entry = start + 2 + 12 * i;
    const tag = view.getUint16(entry, little);
    if (wanted.has(tag)) tags.set(tag, readValues(view, entry, little));
  }
  return { tags, next: view.getUint32(start + 2 + 12 * count, little) };
}

/** At most 4 values: an RGB image's three depths and one to spare. */
function readValues(view: DataView, entry: number, little: boolean): readonly number[] {
  const bytes = VALUE_BYTES.get(view.getUint16(entry + 2, little));
  if (bytes === undefined) return [];
  const count = view.getUint32(entry + 4, little);
  const at = count * bytes <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
  return Array.from({ length: Math.min(count, 4) }, (_, i) => {
    const position = at + i * bytes;
    if (bytes === 1) return view.getUint8(position);
    return bytes === 2 ? view.getUint16(position, little) : view.getUint32(position, little);
  });
}
