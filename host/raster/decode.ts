/**
 * File bytes → upright 8-bit grey pixels: the only place that calls sharp on received bytes.
 *
 * sharp is kept to decoding, which is bit-identical on every CPU; its resize, its colour management and its
 * 16-bit defaults are not used: they differ between CPUs, shift one class of the data, or lose bits.
 */
import sharp from "sharp";
import { errorMessage } from "../base/error.ts";
import { RasterError } from "./error.ts";
import { type Header, type PixelBounds, readHeader } from "./header.ts";
import { type Grey, upright } from "./orient.ts";

export interface Source {
  readonly format: Header["format"];
  /** As stored, before orientation, in px. */
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: 8 | 16;
  /** EXIF/TIFF orientation that was applied, 1…8. */
  readonly orientation: number;
  /** The file carries a colour profile, which raster-v1 does not apply. */
  readonly iccIgnored: boolean;
}

export interface Decoded extends Grey {
  readonly source: Source;
}

/** The child's memory bound, as libvips and GLib put it: not the file's fault alone. */
const OUT_OF_MEMORY = /out of memory|creating thread|cannot allocate/i;

/** Process-wide: no cache (every image is new), one thread a decode, and only the three loaders that are wanted. */
export function configureSharp(): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: ["VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadTiffBuffer"] });
}

/** @throws RasterError */
export async function decode(bytes: Uint8Array, bounds: PixelBounds): Promise<Decoded> {
  const header = readHeader(bytes, bounds);
  const pixels = await decodePixels(bytes, header, bounds);
  const stored = { samples: greySamples(pixels, header), width: header.width, height: header.height };
  const { format, width, height, bitsPerSample, orientation, hasIcc } = header;
  const source = { format, width, height, bitsPerSample, orientation, iccIgnored: hasIcc };
  return { ...upright(stored, orientation), source };
}

/**
 * The colour space is always named: left to itself sharp turns grey into three channels and 16 bits into 8, and
 * any 16-bit call but this one (space and raw depth together) silently loses bits.
 */
async function decodePixels(bytes: Uint8Array, header: Header, bounds: PixelBounds): Promise<Uint8Array> {
  const { channels, bitsPerSample, width, height } = header;
  const input = sharp(bytes, {
    ignoreIcc: true,
    failOn: "warning",
    limitInputPixels: bounds.maxPixels,
    sequentialRead: true,
  });
  const space = bitsPerSample === 16 ? (channels === 1 ? "grey16" : "rgb16") : channels === 1 ? "b-w" : "srgb";
  const raw = input.toColourspace(space).raw({ depth: bitsPerSample === 16 ? "ushort" : "uchar" });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true }).catch((error: unknown) => {
    throw decodeError(error, header);
  });
  if (info.width !== width || info.height !== height || info.channels !== channels) {
    const found = `${info.width}×${info.height}×${info.channels}`;
    throw new RasterError("RASTER_CORRUPT", `the header says ${width}×${height}×${channels}, the pixels ${found}`);
  }
  return data;
}

function decodeError(error: unknown, { format }: Header): RasterError {
  const [message] = errorMessage(error).split("\n");
  const code = OUT_OF_MEMORY.test(message ?? "") ? "RASTER_CRASH" : "RASTER_CORRUPT";
  return new RasterError(code, `the ${format} pixels cannot be decoded: ${message}`, { cause: error });
}

function greySamples(data: Uint8Array, { channels, bitsPerSample }: Header): Uint8Array {
  const wide = bitsPerSample === 16 ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
  if (channels === 3) requireEqualChannels(wide);
  if (bitsPerSample === 8 && channels === 1) return data;
  const out = new Uint8Array(wide.length / channels);
  if (bitsPerSample === 8) {
    for (let i = 0, from = 0; i < out.length; i++, from += channels) out[i] = wide[from] ?? 0;
  } else {
    for (let i = 0, from = 0; i < out.length; i++, from += channels) out[i] = to8Bits(wide[from] ?? 0);
  }
  return out;
}

/** Rounds 0…65535 to 0…255, halves up, in integers. */
function to8Bits(value: number): number {
  return Math.floor((value * 255 + 32767) / 65535);
}

function requireEqualChannels(rgb: Uint8Array | Uint16Array): void {
  for (let i = 0; i < rgb.length; i += 3) {
    if (rgb[i] !== rgb[i + 1] || rgb[i] !== rgb[i + 2]) {
      throw new RasterError("RASTER_COLOUR", `pixel ${i / 3} is (${rgb[i]}, ${rgb[i + 1]}, ${rgb[i + 2]})`);
    }
  }
}
