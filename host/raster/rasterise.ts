/** File bytes → raster-v1, in this process. The appliance does it in a child: see `rasteriser.ts`. */
import { decode, type Source } from "./decode.ts";
import type { PixelBounds } from "./header.ts";
import { RASTER_SIZE, type Raster } from "./raster.ts";
import { resample } from "./resample.ts";

export interface Rasterised {
  readonly raster: Raster;
  readonly source: Source;
  readonly decodeMs: number;
  readonly resampleMs: number;
}

/** @throws RasterError */
export async function rasterise(bytes: Uint8Array, bounds: PixelBounds): Promise<Rasterised> {
  const startMs = performance.now();
  const decoded = await decode(bytes, bounds);
  const decodedMs = performance.now();
  const samples = resample(decoded, RASTER_SIZE);
  const resampleMs = performance.now() - decodedMs;
  return { raster: { samples }, source: decoded.source, decodeMs: decodedMs - startMs, resampleMs };
}
