/** One film's roots, by the device and by this machine. */
import { blockDigests } from "../../attention/attention.ts";
import { type BlockSize, RASTER_SIDE } from "../../attention/blocks.ts";
import { errorCode, errorMessage } from "../../base/error.ts";
import { type OwnScale, verifyImage } from "../../device/digest.ts";
import { rasterDigest } from "../../raster/raster.ts";
import type { Rasteriser } from "../../raster/rasteriser.ts";
import { merkleRoot } from "../../work/merkle.ts";
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
  const own = new Map<BlockSize, OwnScale>();
  for (const scale of scales) {
    const all = await blockDigests(samples, scale);
    own.set(scale, { digests: all, root: merkleRoot(all) });
  }
  const before = { ...wire };
  const startedMs = performance.now();
  const image = { width: RASTER_SIDE, height: RASTER_SIDE, samples };
  const options = { signal, onProgress: ({ rows }: { readonly rows: number }) => onRows(rows) };
  const check = await verifyImage(device, image, { scales, digestsOf: digests ? scales : [], raw }, own, options);
  const durationMs = Math.round((performance.now() - startedMs) * 10) / 10;
  const sentBytes = wire.sentBytes - before.sentBytes;
  const receivedBytes = wire.receivedBytes - before.receivedBytes;
  const mismatches = digests ? [...check.wrongDigests.values()].reduce((sum, count) => sum + count, 0) : null;
  const equal = check.mismatches.length === 0 && !mismatches;
  const { roots } = check.answer;
  return {
    roots: Object.fromEntries([...roots].map(([scale, root]) => [scale, Buffer.from(root).toString("hex")])),
    equal,
    mismatches,
    wire: { sentBytes, receivedBytes },
    ratio: Math.round(((sentBytes + receivedBytes) / samples.length) * 10_000) / 10_000,
    durationMs,
    exit: equal ? EXIT.done : EXIT.failed,
  };
}
