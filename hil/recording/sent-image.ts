/**
 * An image as a host sent it in rows (SPEC §5.8), put together again. Written from the specification alone, with nothing
 * of the host's own encoder.
 */
import { inflateRawSync } from "node:zlib";
import { sha256 } from "../../host/device/digest.ts";

const MOST_INFLATED = 65_536;
const MOST_SIDE = 1024;

export interface SentRows {
  readonly first: number;
  readonly rows: readonly Uint8Array[];
  /** The device did not take them. */
  refused: boolean;
}

export class SentImage {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly #sent: SentRows[] = [];

  private constructor(id: string, width: number, height: number) {
    this.id = id;
    this.width = width;
    this.height = height;
  }

  /** @param words of NEW @returns the same as before where it goes on; undefined for what no device takes */
  static begun(
    before: SentImage | undefined,
    [id = "", width = "", height = ""]: readonly string[],
  ): SentImage | undefined {
    const same = before?.id === id && before.width === Number(width) && before.height === Number(height);
    if (before !== undefined && same) return before;
    return isSide(Number(width)) && isSide(Number(height))
      ? new SentImage(id, Number(width), Number(height))
      : undefined;
  }

  /** Whether it can be cut into such blocks. */
  hasScale(scale: number): boolean {
    return Number.isInteger(scale) && scale >= 1 && this.width % scale === 0 && this.height % scale === 0;
  }

  get rowsSent(): number {
    return this.#sent.length;
  }

  /** @param words of ROWS @returns undefined for what a device cannot take */
  sent([id, first = "", encoding]: readonly string[], payload: Uint8Array | undefined): SentRows | undefined {
    if (id !== this.id || payload === undefined) return undefined;
    const rows = encoding === "raw" ? cut(payload, this.width) : unfiltered(inflated(payload), this.width);
    const inside = /^[0-9]{1,4}$/.test(first) && Number(first) + (rows?.length ?? 0) <= this.height;
    if (rows === undefined || !inside) return undefined;
    const sent = { first: Number(first), rows, refused: false };
    this.#sent.push(sent);
    return sent;
  }

  /** All samples as they were after so many sendings; undefined while rows are missing. */
  pixels(sendings: number): Buffer | undefined {
    const pixels = Buffer.alloc(this.width * this.height);
    const there = new Set<number>();
    for (const { first, rows, refused } of this.#sent.slice(0, sendings)) {
      if (refused) continue;
      for (const [i, row] of rows.entries()) {
        pixels.set(row, (first + i) * this.width);
        there.add(first + i);
      }
    }
    return there.size === this.height ? pixels : undefined;
  }

  /** Of its blocks, row by row, end to end. */
  digests(pixels: Buffer, scale: number): Buffer {
    const digests: Uint8Array[] = [];
    const block = Buffer.alloc(scale * scale);
    for (let top = 0; top < this.height; top += scale) {
      for (let left = 0; left < this.width; left += scale) {
        for (let y = 0; y < scale; y++) {
          const start = (top + y) * this.width + left;
          pixels.copy(block, y * scale, start, start + scale);
        }
        digests.push(sha256(block));
      }
    }
    return Buffer.concat(digests);
  }
}

function isSide(pixels: number): boolean {
  return Number.isInteger(pixels) && pixels >= 1 && pixels <= MOST_SIDE;
}

function cut(bytes: Uint8Array, width: number): Uint8Array[] | undefined {
  if (width < 1 || bytes.length % width !== 0) return undefined;
  return Array.from({ length: bytes.length / width }, (_, i) => bytes.slice(i * width, (i + 1) * width));
}

function inflated(payload: Uint8Array): Buffer {
  try {
    return inflateRawSync(payload, { maxOutputLength: MOST_INFLATED });
  } catch {
    // A device refuses it, too.
    return Buffer.alloc(1);
  }
}

/** PNG's filters of one byte a pixel (ISO/IEC 15948 §9.2); above the first row lie zeros. */
function unfiltered(bytes: Buffer, width: number): Uint8Array[] | undefined {
  const filtered = cut(bytes, width + 1);
  let above = new Uint8Array(width);
  const rows: Uint8Array[] = [];
  for (const [type = 0, ...values] of filtered ?? []) {
    const row = new Uint8Array(width);
    for (const [x, value] of values.entries()) {
      const [left, up, corner] = [row[x - 1] ?? 0, above[x] ?? 0, above[x - 1] ?? 0];
      row[x] = value + predicted(type, left, up, corner);
    }
    if (type > 4) return undefined;
    rows.push(row);
    above = row;
  }
  return filtered === undefined ? undefined : rows;
}

function predicted(type: number, left: number, up: number, corner: number): number {
  switch (type) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4:
      return paeth(left, up, corner);
    default:
      return 0;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
