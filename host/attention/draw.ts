/** Pictures of a map: people look before they read. A hash map is noise keyed by pixels, never an explanation. */
import { RASTER_SIDE } from "./blocks.ts";
import type { AttentionMap } from "./map.ts";

/** RGB, 3 bytes a pixel, row-major. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Anchors of a dark-violet to yellow ramp, evenly spaced over [0, 1]; readable in grey and by colour-blind eyes. */
const RAMP = [
  [13, 8, 60],
  [84, 15, 109],
  [158, 40, 100],
  [219, 80, 68],
  [250, 140, 33],
  [246, 215, 70],
] as const;

function rampColour(value: number): readonly [number, number, number] {
  const place = Math.min(Math.max(value, 0), 1) * (RAMP.length - 1);
  const low = RAMP[Math.min(Math.floor(place), RAMP.length - 2)] ?? RAMP[0];
  const high = RAMP[Math.min(Math.floor(place) + 1, RAMP.length - 1)] ?? RAMP[0];
  const part = Math.min(place - Math.floor(Math.min(place, RAMP.length - 2)), 1);
  const mix = (channel: 0 | 1 | 2) => Math.round(low[channel] + (high[channel] - low[channel]) * part);
  return [mix(0), mix(1), mix(2)];
}

/** The raster in grey, 224 × 224. */
export function drawRaster(samples: Uint8Array): Picture {
  const rgb = new Uint8Array(samples.length * 3);
  for (let i = 0; i < samples.length; i++) rgb.fill(samples[i] ?? 0, i * 3, i * 3 + 3);
  return { width: RASTER_SIDE, height: RASTER_SIDE, rgb };
}

/** The map in colour, each value as wide as its block, 224 × 224. */
export function drawMap(map: AttentionMap): Picture {
  const rgb = new Uint8Array(RASTER_SIDE * RASTER_SIDE * 3);
  for (let pixel = 0; pixel < RASTER_SIDE * RASTER_SIDE; pixel++) rgb.set(rampColour(valueAt(map, pixel)), pixel * 3);
  return { width: RASTER_SIDE, height: RASTER_SIDE, rgb };
}

/** The raster with the map's colours laid over it; `opacity` in [0, 1]. */
export function drawOverlay(samples: Uint8Array, map: AttentionMap, opacity = 0.45): Picture {
  const rgb = new Uint8Array(samples.length * 3);
  for (let pixel = 0; pixel < samples.length; pixel++) {
    const colour = rampColour(valueAt(map, pixel));
    const grey = samples[pixel] ?? 0;
    for (let c = 0; c < 3; c++) rgb[pixel * 3 + c] = Math.round(grey * (1 - opacity) + (colour[c] ?? 0) * opacity);
  }
  return { width: RASTER_SIDE, height: RASTER_SIDE, rgb };
}

/** Pictures of equal height side by side, with a gap of white pixels. */
export function sideBySide(pictures: readonly Picture[], gapPx = 8): Picture {
  const height = Math.max(...pictures.map((picture) => picture.height));
  const width = pictures.reduce((sum, picture) => sum + picture.width, 0) + gapPx * (pictures.length - 1);
  const rgb = new Uint8Array(width * height * 3).fill(255);
  let left = 0;
  for (const picture of pictures) {
    for (let row = 0; row < picture.height; row++) {
      const line = picture.rgb.subarray(row * picture.width * 3, (row + 1) * picture.width * 3);
      rgb.set(line, (row * width + left) * 3);
    }
    left += picture.width + gapPx;
  }
  return { width, height, rgb };
}

function valueAt(map: AttentionMap, pixel: number): number {
  const block = RASTER_SIDE / map.grid;
  const row = Math.floor(Math.floor(pixel / RASTER_SIDE) / block);
  const column = Math.floor((pixel % RASTER_SIDE) / block);
  return map.values[row * map.grid + column] ?? 0;
}
