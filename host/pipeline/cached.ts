/**
 * What is remembered, and under which keys. Every key names everything that decides the value; a value that does
 * not parse is a miss. A cached answer equals a computed one, down to the digests.
 */

import type { AttentionSettings } from "../attention/attention.ts";
import { ATTENTION_VERSION } from "../attention/map.ts";
import type { CachePort, Model, Verdict } from "./ports.ts";
import { QUALITY_VERSION, type Reason } from "./quality.ts";

/** Changes with what is stored below, so that an older version's entries are never found. */
const FORMAT = 1;

/** What a file's bytes decode to, by raster version. */
export interface RasterMemory {
  readonly rasterDigest: string;
}

export interface AttentionMemory {
  readonly digest: string;
  readonly pyramid: readonly Float32Array[];
}

/** All of a result that the image and the model decide. */
export interface ResultMemory {
  /** Null where the model takes no attention. */
  readonly attentionDigest: string | null;
  readonly verdict: Verdict | null;
  readonly reasons: readonly Reason[];
}

export class Memory {
  readonly #caches: CachePort;
  readonly #rasterVersion: string;

  constructor(caches: CachePort, rasterVersion: string) {
    this.#caches = caches;
    this.#rasterVersion = rasterVersion;
  }

  raster(fileDigest: string): RasterMemory | undefined {
    const stored = this.#caches.get("raster", this.#rasterKey(fileDigest));
    return parse<RasterMemory>(stored, ({ rasterDigest }) => typeof rasterDigest === "string");
  }

  keepRaster(fileDigest: string, value: RasterMemory): void {
    this.#caches.set("raster", this.#rasterKey(fileDigest), Buffer.from(JSON.stringify(value)));
  }

  attention(rasterDigest: string, settings: AttentionSettings): AttentionMemory | undefined {
    const stored = this.#caches.get("attention", attentionKey(rasterDigest, settings));
    return stored === undefined ? undefined : unpackAttention(stored, settings);
  }

  keepAttention(rasterDigest: string, settings: AttentionSettings, value: AttentionMemory): void {
    this.#caches.set("attention", attentionKey(rasterDigest, settings), packAttention(value));
  }

  result(rasterDigest: string, model: Model): ResultMemory | undefined {
    const stored = this.#caches.get("result", resultKey(rasterDigest, model));
    return parse<ResultMemory>(stored, ({ attentionDigest, verdict, reasons }) => {
      const fits = model.attention === null ? attentionDigest === null : typeof attentionDigest === "string";
      return fits && verdict !== undefined && Array.isArray(reasons);
    });
  }

  keepResult(rasterDigest: string, model: Model, value: ResultMemory): void {
    this.#caches.set("result", resultKey(rasterDigest, model), Buffer.from(JSON.stringify(value)));
  }

  #rasterKey(fileDigest: string): string {
    return JSON.stringify([FORMAT, this.#rasterVersion, fileDigest]);
  }
}

function attentionKey(rasterDigest: string, { scales, grids }: AttentionSettings): string {
  const pairs = scales.map(({ block, weight }) => [block, weight]);
  return JSON.stringify([FORMAT, ATTENTION_VERSION, rasterDigest, pairs, grids]);
}

function resultKey(rasterDigest: string, model: Model): string {
  return JSON.stringify([
    model.attention === null ? [FORMAT, rasterDigest] : attentionKey(rasterDigest, model.attention),
    model.digest,
    model.precision,
    model.fingerprint,
    QUALITY_VERSION,
  ]);
}

function parse<Value extends object>(stored: Uint8Array | undefined, fits: (value: Partial<Value>) => boolean) {
  if (stored === undefined) return undefined;
  try {
    const value = JSON.parse(Buffer.from(stored).toString("utf8")) as Value | null;
    return typeof value === "object" && value !== null && fits(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Digest (32 bytes), then every level's float32 values, little-endian. */
function packAttention({ digest, pyramid }: AttentionMemory): Buffer {
  const levels = pyramid.map((level) => Buffer.from(level.buffer, level.byteOffset, level.byteLength));
  return Buffer.concat([Buffer.from(digest, "hex"), ...levels]);
}

function unpackAttention(stored: Uint8Array, { grids }: AttentionSettings): AttentionMemory | undefined {
  const cells = grids.reduce((sum, grid) => sum + grid * grid, 0);
  if (stored.length !== 32 + 4 * cells) return undefined;
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  let at = 32;
  const pyramid = grids.map((grid) => {
    const level = Float32Array.from({ length: grid * grid }, (_, i) => view.getFloat32(at + i * 4, true));
    at += level.byteLength;
    return level;
  });
  return { digest: Buffer.from(stored.subarray(0, 32)).toString("hex"), pyramid };
}
