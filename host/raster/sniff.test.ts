import { describe, expect, test } from "vitest";
import { sniffFormat } from "./sniff.ts";

const bytes = (text: string) => Buffer.from(text.padEnd(200, "\0"), "latin1");

describe("sniffing", () => {
  test.each([
    ["png", "\x89PNG\r\n\x1a\n"],
    ["jpeg", "\xff\xd8\xff\xe0"],
    ["tiff", "II*\0"],
    ["tiff", "MM\0*"],
  ])("takes %s by its first bytes", (format, magic) => {
    expect(sniffFormat(bytes(magic))).toBe(format);
  });

  test.each([
    ["GIF", "GIF89a"],
    ["WebP", "RIFF\0\0\0\0WEBPVP8 "],
    ["SVG", '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">'],
    ["SVG", "\n  <svg>"],
    ["PDF", "%PDF-1.7"],
    ["DICOM", `${"\0".repeat(128)}DICM`],
    ["HEIF", "\0\0\0\x18ftypheic"],
    ["BigTIFF", "II+\0"],
    ["unknown kind (it begins with 68656c6c6f000000)", "hello"],
  ])("refuses %s by name", (name, magic) => {
    expect(() => sniffFormat(bytes(magic))).toThrow(name);
    expect(() => sniffFormat(bytes(magic))).toThrow(expect.objectContaining({ code: "RASTER_FORMAT" }));
  });

  test("refuses a file without bytes", () => {
    expect(() => sniffFormat(new Uint8Array(0))).toThrow(expect.objectContaining({ code: "RASTER_EMPTY" }));
  });
});
