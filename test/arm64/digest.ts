/**
 * Prints the raster digests of the films, of two 16-bit files and of synthetic images, as JSON.
 *
 * Calls the decoder in this process: forking is not wanted under emulation.
 */
import { readdirSync, readFileSync } from "node:fs";
import { configureSharp } from "../../host/raster/decode.ts";
import { littleEndianBytes, pattern, png, tiff, tripled } from "../../host/raster/fixtures/encode.ts";
import { rasterDigest } from "../../host/raster/raster.ts";
import { rasterise } from "../../host/raster/rasterise.ts";

const BOUNDS = { maxPixels: 40_000_000, maxSidePx: 16_000 };

/** Enlarged, reduced, both, skipped passes, primes, and scales near the limits. */
const SIZES: readonly (readonly [number, number])[] = [
  [64, 64],
  [65, 301],
  [101, 97],
  [127, 224],
  [199, 1009],
  [223, 225],
  [224, 223],
  [224, 224],
  [225, 224],
  [256, 256],
  [317, 211],
  [333, 777],
  [448, 448],
  [512, 600],
  [641, 479],
  [997, 1013],
  [1279, 721],
  [1500, 64],
  [2021, 2479],
  [64, 4001],
];

configureSharp();

async function digestOf(bytes: Uint8Array): Promise<string> {
  return rasterDigest((await rasterise(bytes, BOUNDS)).raster);
}

function files(): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const label of ["NORMAL", "PNEUMONIA"]) {
    const folder = new URL(`../films/${label}/`, import.meta.url);
    for (const name of readdirSync(folder).sort()) found.set(name, readFileSync(new URL(name, folder)));
  }
  for (const name of ["grey16.png", "grey16-lzw.tiff"]) {
    found.set(name, readFileSync(new URL(`../../host/raster/fixtures/${name}`, import.meta.url)));
  }
  return found;
}

/** Every kind that can be written exactly, in turn. */
function synthetic(): Map<string, Uint8Array> {
  const made = new Map<string, Uint8Array>();
  for (const [seed, [width, height]] of SIZES.entries()) {
    const grey = Uint8Array.from(pattern(width, height, seed));
    const size = { width, height, bits: 8 };
    const kind = ["png", "rgb png", "tiff", "rgb tiff"][seed % 4] ?? "";
    const spec = {
      png: () => png({ ...size, colourType: 0, data: grey }),
      "rgb png": () => png({ ...size, colourType: 2, data: tripled(grey) }),
      tiff: () => tiff({ ...size, samplesPerPixel: 1, photometric: 1, data: grey }),
      "rgb tiff": () => tiff({ ...size, samplesPerPixel: 3, photometric: 2, data: tripled(grey) }),
    }[kind];
    if (spec !== undefined) made.set(`${width}x${height}`, spec());
  }
  const wide = pattern(300, 200, 99, 4095);
  const deep = { width: 300, height: 200, bits: 16, samplesPerPixel: 1, photometric: 1 };
  return made.set("12 bits in 16", tiff({ ...deep, data: littleEndianBytes(wide) }));
}

const digests: Record<string, string> = {};
for (const [name, bytes] of [...files(), ...synthetic()]) digests[name] = await digestOf(bytes);
process.stdout.write(`${JSON.stringify({ arch: process.arch, digests }, null, 2)}\n`);
