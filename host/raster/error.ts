import { codedErrors } from "../base/error.ts";

export const RASTER_ERRORS = {
  RASTER_ALPHA: "Save the image without transparency: a radiograph has none.",
  RASTER_ANIMATED: "Send one image a file: animations and multi-page files are not taken.",
  RASTER_BUSY: "More images wait than the limit allows: send it again later.",
  RASTER_CMYK: "Save the image as greyscale: print colours (CMYK) are not taken.",
  RASTER_COLOUR: "Save the image as greyscale: only grey images, or RGB with three equal channels, are taken.",
  RASTER_CORRUPT: "The file is damaged or incomplete: export or copy it again.",
  RASTER_CRASH:
    "The decoder crashed on this image or ran out of memory: send a smaller one, or raise the decoder's memory.",
  RASTER_DEADLINE: "Decoding took longer than the limit: send a smaller image, or raise the decoder's deadline.",
  RASTER_DEPTH: "Save the image with 8 or 16 bits a sample, unsigned.",
  RASTER_EMPTY: "The file has no bytes: copy or export it again.",
  RASTER_FORMAT: "Send a PNG, JPEG or TIFF file.",
  RASTER_RESTING:
    "The decoder ended too often and is left alone for a while: what it was given last is to blame, or this machine; send it again later.",
  RASTER_START: "The decoder process did not start: its last words are in the message.",
  RASTER_STOPPED: "The appliance is stopping: send it again when it is back.",
  RASTER_TOO_LARGE: "The file has more bytes than the limit: compress the image, or raise the limit.",
  RASTER_TOO_MANY_PIXELS: "The image has more pixels than the limit: reduce it, or raise the limit.",
  RASTER_TOO_SMALL: "The image is too small to be a radiograph: send the original.",
  RASTER_TOO_WIDE: "A side of the image is longer than the limit: crop or reduce it, or raise the limit.",
} as const;

export type RasterErrorCode = keyof typeof RASTER_ERRORS;

export class RasterError extends codedErrors(RASTER_ERRORS) {}

/** The decoder's troubles that another image would have had as well. */
const NOT_THE_IMAGE: ReadonlySet<RasterErrorCode> = new Set([
  "RASTER_BUSY",
  "RASTER_RESTING",
  "RASTER_START",
  "RASTER_STOPPED",
]);

/** Whether the image itself is at fault: the same bytes will be refused again. */
export function isRefusal(error: unknown): error is RasterError {
  return error instanceof RasterError && !NOT_THE_IMAGE.has(error.code);
}
