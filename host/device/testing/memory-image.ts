/** IMAGE as a device does it, for tests: plain and from the specification alone. */
import { inflateRawSync } from "node:zlib";
import { merkleRoot } from "../../work/merkle.ts";
import { sha256 } from "../digest.ts";
import type { Frame } from "../link/frame.ts";

/** What follows the boot id of a reply; a string array of an error begins with its code. */
export type MemoryReply =
  | { readonly ok: readonly string[]; readonly payload?: Uint8Array }
  | { readonly err: readonly string[] };

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

export class MemoryImage {
  #id = "";
  #width = 0;
  #height = 0;
  #pixels = Buffer.alloc(0);
  #arrived: boolean[] = [];

  get pixels(): Uint8Array {
    return this.#pixels;
  }

  forget(): void {
    this.#id = "";
  }

  /** One row goes missing, as from a faulty memory. */
  lose(row: number): void {
    if (row < this.#arrived.length) this.#arrived[row] = false;
  }

  answer({ args, payload }: Frame): MemoryReply {
    const [what, id = "", ...words] = args;
    if (what === "NEW") return this.#begin(id, Number(words[0]), Number(words[1]));
    if (id !== this.#id) return { err: ["STATE", "no", "such", "image"] };
    if (what === "ROWS") return this.#rows(Number(words[0]), words[1] ?? "", payload ?? Buffer.alloc(0));
    const missing = this.#arrived.indexOf(false);
    if (missing >= 0) return { err: ["MISSING", String(missing)] };
    if (what === "ROOTS") return { ok: (words[0] ?? "").split(",").map((s) => `${s}=${hexOf(this.#root(Number(s)))}`) };
    const [scale = 1, first = 0, count = 0] = words.map(Number);
    return { ok: [], payload: this.#digests(scale).subarray(first * 32, (first + count) * 32) };
  }

  #begin(id: string, width: number, height: number): MemoryReply {
    if (id === this.#id && width === this.#width && height === this.#height) return { ok: [] };
    this.#id = id;
    this.#width = width;
    this.#height = height;
    this.#pixels = Buffer.alloc(width * height);
    this.#arrived = new Array(height).fill(false);
    return { ok: [] };
  }

  #rows(first: number, encoding: string, payload: Uint8Array): MemoryReply {
    const width = this.#width;
    const pixels = encoding === "raw" ? Buffer.from(payload) : unfilter(inflateRawSync(payload), width);
    if (pixels === undefined || pixels.length % width !== 0) return { err: ["PAYLOAD"] };
    const count = pixels.length / width;
    if (first + count > this.#height) return { err: ["PAYLOAD"] };
    this.#pixels.set(pixels, first * width);
    this.#arrived.fill(true, first, first + count);
    return { ok: [] };
  }

  #digests(scale: number): Buffer {
    const across = this.#width / scale;
    const blocks = Array.from({ length: across * (this.#height / scale) }, (_, index) => {
      const block = Buffer.alloc(scale * scale);
      for (let y = 0; y < scale; y++) {
        const from = (Math.floor(index / across) * scale + y) * this.#width + (index % across) * scale;
        this.#pixels.copy(block, y * scale, from, from + scale);
      }
      return sha256(block);
    });
    return Buffer.concat(blocks);
  }

  #root(scale: number): Uint8Array {
    return merkleRoot(this.#digests(scale));
  }
}

/** The five filters of PNG, one byte a pixel, with zeros above; undefined for a sixth. */
function unfilter(rows: Buffer, width: number): Buffer | undefined {
  const stride = width + 1;
  const out = Buffer.alloc((rows.length / stride) * width);
  for (let at = 0, to = 0; at < rows.length; at += stride, to += width) {
    const type = rows[at] ?? 0;
    if (type > 4) return undefined;
    for (let x = 0; x < width; x++) {
      const left = x > 0 ? (out[to + x - 1] ?? 0) : 0;
      const up = to > 0 ? (out[to + x - width] ?? 0) : 0;
      const upLeft = to > 0 && x > 0 ? (out[to + x - width - 1] ?? 0) : 0;
      const guess = [0, left, up, (left + up) >> 1, nearest(left + up - upLeft, left, up, upLeft)][type] ?? 0;
      out[to + x] = (rows[at + 1 + x] ?? 0) + guess;
    }
  }
  return out;
}

function nearest(to: number, ...candidates: readonly number[]): number {
  const far = (candidate: number) => Math.abs(to - candidate);
  return candidates.reduce((best, candidate) => (far(candidate) < far(best) ? candidate : best));
}
