/** SHA-256 on the host, and the comparison of a device's digests and roots with it. */
import { hash } from "node:crypto";
import { SHA256_BYTES } from "../work/sha256.ts";
import type { Device, DeviceImage, ImageAnswer, ImageOptions, ImageQuestion, RequestOptions } from "./device.ts";

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

export interface DigestCheck {
  readonly checked: number;
  /** Indices of the blocks whose digests differ from the host's, ascending. */
  readonly mismatches: readonly number[];
  /** The device's, 32 bytes a block. */
  readonly digests: readonly Uint8Array[];
}

/**
 * Has the device hash every block and compares each digest with the host's own.
 *
 * @param expected 32 bytes a block, in the same order, computed by the host
 * @throws DeviceError if the device fails to answer; RangeError if the lists differ in length
 */
export async function verifyDigests(
  device: Pick<Device, "hash">,
  blocks: readonly Uint8Array[],
  expected: readonly Uint8Array[],
  options: RequestOptions = {},
): Promise<DigestCheck> {
  if (blocks.length !== expected.length) {
    throw new RangeError(`${blocks.length} blocks but ${expected.length} expected digests`);
  }
  const digests = await device.hash(blocks, options);
  const mismatches = expected.flatMap((own, index) => (same(own, digests[index]) ? [] : [index]));
  return { checked: expected.length, mismatches, digests };
}

/** What the host expects of one scale. */
export interface OwnScale {
  /** RFC 9162 root over the block digests, 32 bytes. */
  readonly root: Uint8Array;
  /** The block digests end to end; needed where they are asked for. */
  readonly digests?: Uint8Array;
}

export interface ImageCheck {
  /** How many scales were compared. */
  readonly checked: number;
  /** Scales whose roots differ from the host's, in the order asked. */
  readonly mismatches: readonly number[];
  /** Scale → how many of its block digests differ, for the scales whose digests were asked for. */
  readonly wrongDigests: ReadonlyMap<number, number>;
  readonly answer: ImageAnswer;
}

/**
 * Has the device compute an image's roots, and digests where asked, and compares each with the host's own.
 *
 * @param expected what the host computed, by scale
 * @throws DeviceError if the device fails to answer; RangeError for a scale without an expected root or digests
 */
export async function verifyImage(
  device: Pick<Device, "image">,
  image: DeviceImage,
  question: ImageQuestion,
  expected: ReadonlyMap<number, OwnScale>,
  options: ImageOptions = {},
): Promise<ImageCheck> {
  const { scales, digestsOf = [] } = question;
  const roots = scales.map((scale) => ({ scale, root: ownOf(expected, scale).root }));
  const wanted = digestsOf.map((scale) => ({ scale, digests: ownDigests(expected, scale) }));
  const answer = await device.image(image, question, options);
  const wrong = roots.filter(({ scale, root }) => !same(root, answer.roots.get(scale)));
  const counts = wanted.map(({ scale, digests }) => [scale, differences(digests, answer.digests.get(scale))] as const);
  return {
    checked: roots.length,
    mismatches: wrong.map(({ scale }) => scale),
    wrongDigests: new Map(counts),
    answer,
  };
}

function ownOf(expected: ReadonlyMap<number, OwnScale>, scale: number): OwnScale {
  const own = expected.get(scale);
  if (own === undefined) throw new RangeError(`no expected root of scale ${scale}`);
  return own;
}

function ownDigests(expected: ReadonlyMap<number, OwnScale>, scale: number): Uint8Array {
  const { digests } = ownOf(expected, scale);
  if (digests === undefined) throw new RangeError(`no expected digests of scale ${scale}`);
  return digests;
}

/** How many digests differ; those that the device left out do. */
function differences(own: Uint8Array, theirs: Uint8Array | undefined): number {
  let different = 0;
  for (let at = 0; at < own.length; at += SHA256_BYTES) {
    const end = at + SHA256_BYTES;
    if (!same(own.subarray(at, end), theirs?.subarray(at, end))) different += 1;
  }
  return different;
}

function same(own: Uint8Array, theirs: Uint8Array | undefined): boolean {
  return theirs !== undefined && Buffer.compare(own, theirs) === 0;
}
