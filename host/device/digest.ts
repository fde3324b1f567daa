/** SHA-256 on the host, and the comparison of a device's digests with it. */
import { hash } from "node:crypto";
import type { Device, RequestOptions } from "./device.ts";

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

function same(own: Uint8Array, theirs: Uint8Array | undefined): boolean {
  return theirs !== undefined && Buffer.compare(own, theirs) === 0;
}
