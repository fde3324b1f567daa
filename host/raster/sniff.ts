/** Which of the accepted formats a file is, by its first bytes; anything else is refused by name. */
import { RasterError } from "./error.ts";

export type Format = "png" | "jpeg" | "tiff";

interface Magic {
  readonly name: string;
  readonly at: number;
  readonly bytes: string;
}

const ACCEPTED: readonly (Magic & { readonly name: Format })[] = [
  { name: "png", at: 0, bytes: "\x89PNG\r\n\x1a\n" },
  { name: "jpeg", at: 0, bytes: "\xff\xd8\xff" },
  { name: "tiff", at: 0, bytes: "II*\0" },
  { name: "tiff", at: 0, bytes: "MM\0*" },
];

const REFUSED: readonly Magic[] = [
  { name: "GIF", at: 0, bytes: "GIF8" },
  { name: "WebP", at: 8, bytes: "WEBP" },
  { name: "PDF", at: 0, bytes: "%PDF" },
  { name: "DICOM", at: 128, bytes: "DICM" },
  { name: "HEIF or AVIF", at: 4, bytes: "ftyp" },
  { name: "BigTIFF", at: 0, bytes: "II+\0" },
  { name: "BigTIFF", at: 0, bytes: "MM\0+" },
  { name: "BMP", at: 0, bytes: "BM" },
  { name: "JPEG 2000", at: 4, bytes: "jP  " },
  { name: "JPEG 2000", at: 0, bytes: "\xff\x4f\xff\x51" },
];

/**
 * @returns the format; a file that begins like one may still be damaged
 * @throws RasterError RASTER_EMPTY, RASTER_FORMAT
 */
export function sniffFormat(bytes: Uint8Array): Format {
  if (bytes.length === 0) throw new RasterError("RASTER_EMPTY", "the file has zero bytes");
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString("latin1");
  const is = (magic: Magic) => head.startsWith(magic.bytes, magic.at);
  const accepted = ACCEPTED.find(is);
  if (accepted !== undefined) return accepted.name;
  throw new RasterError("RASTER_FORMAT", `the file is ${refusedName(head, is)}, not PNG, JPEG or TIFF`);
}

function refusedName(head: string, is: (magic: Magic) => boolean): string {
  if (/^(\xef\xbb\xbf)?\s*<(\?xml|!--|!DOCTYPE svg|svg)/i.test(head) && /<svg/i.test(head)) return "SVG";
  const known = REFUSED.find(is);
  if (known !== undefined) return known.name;
  return `of an unknown kind (it begins with ${Buffer.from(head.slice(0, 8), "latin1").toString("hex")})`;
}
