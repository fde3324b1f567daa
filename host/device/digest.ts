/** SHA-256 on the host, and the comparison of a device's digests and roots with it. */
import { hash } from "node:crypto";
import type { Device, DeviceImage, ImageOptions, RequestOptions } from "./device.ts";

export const SHA256_BYTES = 32;

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

export interface DigestCheck {
  readonly checked: number;
  /** Indices of the blocks whose digests differ from the host's, ascending. */
  readonly mismatches: readonly number[];
}

/**
 * Has the device hash every block and compares each digest with the host's own.
 *
 * @param expected 32 bytes a block, in the same order, computed by the host
 * @throws DeviceError if the device fails to answer; RangeError if the lists differ in length
 */
export async function verifyDigests(
  device: Device,
  blocks: readonly Uint8Array[],
  expected: readonly Uint8Array[],
  options: RequestOptions = {},
): Promise<DigestCheck> {
  if (blocks.length !== expected.length) {
    throw new RangeError(`${blocks.length} blocks but ${expected.length} expected digests`);
  }
  const digests = await device.hash(blocks, options);
  const mismatches = expected.flatMap((own, index) => (same(own, digests[index]) ? [] : [index]));
  return { checked: expected.length, mismatches };
}

export interface ImageCheck {
  /** How many scales were compared. */
  readonly checked: number;
  /** Scales whose roots differ from the host's, in the order asked. */
  readonly mismatches: readonly number[];
}

/**
 * Has the device compute an image's roots and compares each with the host's own.
 *
 * @param expected scale → RFC 9162 root over the block digests, 32 bytes, computed by the host; at least one scale
 * @throws DeviceError if the device fails to answer; RangeError for a scale without an expected root
 */
export async function verifyImage(
  device: Device,
  image: DeviceImage,
  scales: readonly number[],
  expected: ReadonlyMap<number, Uint8Array>,
  options: ImageOptions = {},
): Promise<ImageCheck> {
  const own = scales.map((scale) => {
    const root = expected.get(scale);
    if (root === undefined) throw new RangeError(`no expected root of scale ${scale}`);
    return { scale, root };
  });
  const { roots } = await device.image(image, { scales }, options);
  const wrong = own.filter(({ scale, root }) => !same(root, roots.get(scale)));
  return { checked: own.length, mismatches: wrong.map(({ scale }) => scale) };
}

function same(own: Uint8Array, theirs: Uint8Array | undefined): boolean {
  return theirs !== undefined && Buffer.compare(own, theirs) === 0;
}
