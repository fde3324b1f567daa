import type { Config } from "../config/schema.ts";
import { Rasteriser } from "../raster/rasteriser.ts";

/** A decoder with the configuration's bounds. */
export function openRasteriser({ raster, ingest }: Config): Rasteriser {
  return new Rasteriser({
    deadlineMs: raster.deadlineMs,
    memoryMiB: raster.memoryMiB,
    maxPixels: raster.maxPixels,
    maxSidePx: raster.maxSidePx,
    maxBytes: ingest.maxFileBytes,
    queueMax: 64,
  });
}

/** Runs `work` with a decoder and ends the decoder, whatever happens. */
export async function withRasteriser<Value>(config: Config, work: (rasteriser: Rasteriser) => Promise<Value>) {
  const rasteriser = openRasteriser(config);
  try {
    return await work(rasteriser);
  } finally {
    await rasteriser.stop();
  }
}
