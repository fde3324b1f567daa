/**
 * A raster as the payloads of IMAGE ROWS (SPEC.md §5.8): few, and each as full as a line may be.
 *
 * Radiographs shrink best under the Paeth filter with deflate's strategy for filtered data: the samples to 0.48 of
 * their bytes in lines of 2,304. Rows that do not shrink go raw. Every payload stands for itself.
 */
import { constants, deflateRawSync } from "node:zlib";
import type { DeviceImage } from "../device.ts";
import { DeviceError } from "../errors.ts";
import { cobsBytes, dataThatFits } from "../link/cobs.ts";

export interface RowLimits {
  /** What the escaped payload may take on the line. */
  readonly payloadBytes: number;
  /** What one payload may inflate to; 0 where the device does not inflate. */
  readonly inflateBytes: number;
}

export interface RowsPayload {
  readonly first: number;
  readonly count: number;
  readonly encoding: "raw" | "deflate";
  readonly bytes: Uint8Array;
}

const PAETH = 4;
const DEFLATE = { level: 9, memLevel: 9, strategy: constants.Z_FILTERED } as const;
/** Deflated rows to rows, before the image has shown its own. */
const FIRST_GUESS = 0.45;
/** Attempts at one payload: each costs a deflate of some kilobytes. */
const TRIES = 4;

/**
 * Cuts all rows of the image into payloads, in order, each when it is asked for: half a millisecond of work.
 *
 * @throws DeviceError DEVICE_LIMIT if not even one row fits a line
 */
export function* rowsInTurn(image: DeviceImage, limits: RowLimits): Generator<RowsPayload, void> {
  const { width, height, samples } = image;
  const rawRows = Math.floor(dataThatFits(limits.payloadBytes) / width);
  const deflater = new RowDeflater(image, limits);
  for (let first = 0; first < height; ) {
    const deflated = deflater.fill(first, rawRows);
    const count = deflated?.count ?? Math.min(rawRows, height - first);
    if (count === 0) {
      throw new DeviceError("DEVICE_LIMIT", `a row of ${width} pixels; a payload has ${limits.payloadBytes} bytes`);
    }
    const bytes = deflated?.bytes ?? samples.subarray(first * width, (first + count) * width);
    yield { first, count, encoding: deflated === undefined ? "raw" : "deflate", bytes };
    first += count;
  }
}

interface Fill {
  readonly count: number;
  readonly bytes: Buffer;
}

class RowDeflater {
  readonly #image: DeviceImage;
  readonly #limits: RowLimits;
  readonly #most: number;
  /** The first rows of the image filtered, each behind its filter type. */
  readonly #filtered: Buffer;
  #filteredRows = 0;
  #bytesPerRow: number;

  constructor(image: DeviceImage, limits: RowLimits) {
    this.#image = image;
    this.#limits = limits;
    this.#most = Math.floor(limits.inflateBytes / (image.width + 1));
    this.#filtered = Buffer.allocUnsafe(this.#most === 0 ? 0 : (image.width + 1) * image.height);
    this.#bytesPerRow = image.width * FIRST_GUESS;
  }

  /** As many rows from `first` as fit; undefined unless more than the `rawRows` that fit without. */
  fill(first: number, rawRows: number): Fill | undefined {
    const most = Math.min(this.#most, this.#image.height - first);
    let fits = 0;
    let tooMany = most + 1;
    let best: Buffer | undefined;
    for (let tries = 0; tries < TRIES && fits + 1 < tooMany; tries++) {
      const count = Math.min(Math.max(this.#guess(), fits + 1), tooMany - 1);
      const bytes = this.#deflate(first, count);
      const lineBytes = cobsBytes(bytes);
      this.#bytesPerRow = lineBytes / count;
      if (lineBytes <= this.#limits.payloadBytes) {
        fits = count;
        best = bytes;
      } else tooMany = count;
    }
    const useful =
      fits > rawRows || (fits === this.#image.height - first && (best?.length ?? 0) < fits * this.#image.width);
    return best !== undefined && useful ? { count: fits, bytes: best } : undefined;
  }

  #guess(): number {
    return Math.floor(this.#limits.payloadBytes / this.#bytesPerRow);
  }

  #deflate(first: number, count: number): Buffer {
    const stride = this.#image.width + 1;
    for (; this.#filteredRows < first + count; this.#filteredRows++) {
      const row = this.#filteredRows;
      filterRow(this.#image, row, row === 0 ? undefined : row - 1, this.#filtered, row * stride);
    }
    const rows = Buffer.from(this.#filtered.subarray(first * stride, (first + count) * stride));
    filterRow(this.#image, first, undefined, rows, 0);
    return deflateRawSync(rows, DEFLATE);
  }
}

/** One row under the Paeth filter (ISO/IEC 15948 §9.4); without a row above, zeros stand there. */
function filterRow(image: DeviceImage, row: number, above: number | undefined, out: Buffer, at: number): void {
  const { width, samples } = image;
  const start = row * width;
  out[at] = PAETH;
  let left = 0;
  let upLeft = 0;
  for (let x = 0; x < width; x++) {
    const value = samples[start + x] ?? 0;
    const up = above === undefined ? 0 : (samples[above * width + x] ?? 0);
    out[at + 1 + x] = value - paeth(left, up, upLeft);
    left = value;
    upLeft = up;
  }
}

/** Whichever of the three is nearest to left + up − upLeft. */
function paeth(left: number, up: number, upLeft: number): number {
  const toLeft = Math.abs(up - upLeft);
  const toUp = Math.abs(left - upLeft);
  const toUpLeft = Math.abs(left + up - 2 * upLeft);
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}
