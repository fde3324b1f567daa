/** JPEG's marker segments up to the scan (ITU-T T.81, Annex B). */
import { RasterError } from "./error.ts";
import type { Header } from "./header.ts";
import { exifOrientation } from "./header-tiff.ts";

const MARKER = { soi: 0xd8, eoi: 0xd9, sos: 0xda, app1: 0xe1, app2: 0xe2, tem: 0x01 } as const;
/** SOF0…SOF15 but for DHT, JPG and DAC, which share the range. */
const FRAMES = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);

type Frame = Pick<Header, "width" | "height" | "bitsPerSample" | "channels">;

/** @throws RasterError; RangeError when a segment runs past the end */
export function jpegHeader(view: DataView): Header {
  let frame: Frame | undefined;
  let orientation = 1;
  let hasIcc = false;
  for (let at = 2; ; ) {
    const marker = markerAt(view, at);
    if (marker.code === MARKER.sos || marker.code === MARKER.eoi) break;
    const length = view.getUint16(marker.end);
    const body = marker.end + 2;
    if (FRAMES.has(marker.code)) frame ??= readFrame(view, body);
    if (marker.code === MARKER.app1 && startsWith(view, body, "Exif\0\0")) {
      orientation = exifOrientation(view, body + 6, length - 8);
    }
    if (marker.code === MARKER.app2 && startsWith(view, body, "ICC_PROFILE\0")) hasIcc = true;
    at = marker.end + length;
  }
  if (frame === undefined) throw new RasterError("RASTER_CORRUPT", "the JPEG has no frame before its scan");
  return { format: "jpeg", ...frame, orientation, hasIcc };
}

/** A marker may be preceded by any number of 0xff fill bytes (B.1.1.2). */
function markerAt(view: DataView, at: number): { code: number; end: number } {
  if (view.getUint8(at) !== 0xff) {
    throw new RasterError("RASTER_CORRUPT", `the JPEG has no marker at byte ${at}`);
  }
  while (view.getUint8(at) === 0xff) at += 1;
  return { code: view.getUint8(at), end: at + 1 };
}

function readFrame(view: DataView, at: number): Frame {
  const bits = view.getUint8(at);
  const components = view.getUint8(at + 5);
  if (bits !== 8) throw new RasterError("RASTER_DEPTH", `the JPEG has ${bits} bits a sample, 8 are taken`);
  if (components === 4) throw new RasterError("RASTER_CMYK", "the JPEG has 4 components");
  if (components !== 1 && components !== 3) {
    throw new RasterError("RASTER_COLOUR", `the JPEG has ${components} components`);
  }
  return { width: view.getUint16(at + 3), height: view.getUint16(at + 1), bitsPerSample: 8, channels: components };
}

function startsWith(view: DataView, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (at + i >= view.byteLength || view.getUint8(at + i) !== text.charCodeAt(i)) return false;
  }
  return true;
}
