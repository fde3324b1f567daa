/** One film's roots, by the device and by this machine. */
import { blockDigests } from "../../attention/attention.ts";
import { type BlockSize, RASTER_SIDE } from "../../attention/blocks.ts";
import { errorCode, errorMessage } from "../../base/error.ts";
import type { ImageAnswer } from "../../device/device.ts";
import { rasterDigest } from "../../raster/raster.ts";
import type { Rasteriser } from "../../raster/rasteriser.ts";
import { merkleRoot } from "../../work/merkle.ts";
import { SHA256_BYTES } from "../../work/sha256.ts";
import { exitCodeOf } from "../context.ts";
import { readNamedFile } from "../files.ts";
import { EXIT, type ExitCode } from "../output.ts";
import type { Opened } from "./open.ts";

export interface Question {
  readonly scales: readonly BlockSize[];
  /** Every block's digest too. */
  readonly digests: boolean;
  /** Pixels as they are, not deflated. */
  readonly raw: boolean;
}

export interface FilmAnswer {
  readonly file: string;
  readonly rasterDigest: string | null;
  /** The device's roots by block size, hex. */
  readonly roots: Readonly<Record<string, string>>;
  /** null where the device was not asked, or did not answer. */
  readonly equal: boolean | null;
  /** Single digests that differ; null where none were asked for. */
  readonly mismatches: number | null;
  readonly wire: { readonly sentBytes: number; readonly receivedBytes: number } | null;
  /** Bytes on the wire, both ways, for each byte of the raster. */
  readonly ratio: number | null;
  readonly durationMs: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly exit: ExitCode;
}

export interface AskParts {
  readonly opened: Opened;
  readonly rasteriser: Rasteriser;
  readonly maxFileBytes: number;
  readonly question: Question;
  /** Rows of the film that the device has. */
  onRows(rows: number): void;
}

/** A file that is refused, or that the device fails at, does not end the others. */
export async function askFilm(file: string, parts: AskParts): Promise<FilmAnswer> {
  try {
    const bytes = await readNamedFile(file, parts.maxFileBytes);
    const { raster } = await parts.rasteriser.rasterise(bytes);
    const answer = await compare(raster.samples, parts);
    return { file, ...answer, rasterDigest: rasterDigest(raster), error: null };
  } catch (error) {
    parts.opened.signal.throwIfAborted();
    return {
      file,
      rasterDigest: null,
      roots: {},
      equal: null,
      mismatches: null,
      wire: null,
      ratio: null,
      durationMs: null,
      error: { code: errorCode(error), message: errorMessage(error) },
      exit: exitCodeOf(error),
    };
  }
}

async function compare(samples: Uint8Array, { opened: { device, wire, signal }, question, onRows }: AskParts) {
  const { scales, digests, raw } = question;
  const own = new Map<BlockSize, Buffer>();
  for (const scale of scales) own.set(scale, await blockDigests(samples, scale));
  const before = { ...wire };
  const startedMs = performance.now();
  const image = { width: RASTER_SIDE, height: RASTER_SIDE, samples };
  const options = { signal, onProgress: ({ rows }: { readonly rows: number }) => onRows(rows) };
  const answer = await device.image(image, { scales, digestsOf: digests ? scales : [], raw }, options);
  const durationMs = Math.round((performance.now() - startedMs) * 10) / 10;
  const sentBytes = wire.sentBytes - before.sentBytes;
  const receivedBytes = wire.receivedBytes - before.receivedBytes;
  const mismatches = digests ? countDifferent(own, answer) : null;
  const equal = [...own].every(([scale, all]) => same(merkleRoot(all), answer.roots.get(scale))) && !mismatches;
  return {
    roots: Object.fromEntries([...answer.roots].map(([scale, root]) => [scale, Buffer.from(root).toString("hex")])),
    equal,
    mismatches,
    wire: { sentBytes, receivedBytes },
    ratio: Math.round(((sentBytes + receivedBytes) / samples.length) * 10_000) / 10_000,
    durationMs,
    exit: equal ? EXIT.done : EXIT.failed,
  };
}

function countDifferent(own: ReadonlyMap<BlockSize, Buffer>, { digests }: ImageAnswer): number {
  let different = 0;
  for (const [scale, all] of own) {
    for (let at = 0; at < all.length; at += SHA256_BYTES) {
      const theirs = digests.get(scale)?.subarray(at, at + SHA256_BYTES);
      if (!same(all.subarray(at, at + SHA256_BYTES), theirs)) different += 1;
    }
  }
  return different;
}

function same(own: Uint8Array, theirs: Uint8Array | undefined): boolean {
  return theirs !== undefined && Buffer.compare(own, theirs) === 0;
}
