/**
 * The block header that a miner hashes: 80 bytes, integers little-endian.
 *
 * Source: Bitcoin developer reference, "Block Headers"; BIP 320 for the version bits that a miner may roll.
 */
import { expectBytes, expectUint32 } from "./bytes.ts";
import { SHA256_BYTES, sha256Into } from "./sha256.ts";

export const HEADER_BYTES = 80;
/** Where each field begins. */
export const HEADER_AT = { version: 0, prevhash: 4, merkleRoot: 36, ntime: 68, nbits: 72, nonce: 76 } as const;
/** The 16 bits of the version that BIP 320 leaves to miners, and that a BM1366 rolls. */
export const VERSION_MASK = 0x1fffe000;

/** Numbers are unsigned, 32 bits; hashes are 32 bytes in the order in which they are hashed. */
export interface BlockHeader {
  readonly version: number;
  readonly prevhash: Uint8Array;
  readonly merkleRoot: Uint8Array;
  /** Seconds since 1970. */
  readonly ntime: number;
  readonly nbits: number;
  readonly nonce: number;
}

/** @throws WorkError WORK_LENGTH or WORK_NUMBER */
export function encodeHeader(header: BlockHeader): Buffer {
  expectBytes("prevhash", header.prevhash, SHA256_BYTES);
  expectBytes("merkleRoot", header.merkleRoot, SHA256_BYTES);
  const bytes = Buffer.alloc(HEADER_BYTES);
  for (const field of ["version", "ntime", "nbits", "nonce"] as const) {
    expectUint32(field, header[field]);
    bytes.writeUInt32LE(header[field], HEADER_AT[field]);
  }
  bytes.set(header.prevhash, HEADER_AT.prevhash);
  bytes.set(header.merkleRoot, HEADER_AT.merkleRoot);
  return bytes;
}

/** Every 80 bytes are a header. @throws WorkError WORK_LENGTH */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  expectBytes("header", bytes, HEADER_BYTES);
  const copy = Buffer.from(bytes);
  const hashAt = (at: number) => copy.subarray(at, at + SHA256_BYTES);
  return {
    version: copy.readUInt32LE(HEADER_AT.version),
    prevhash: hashAt(HEADER_AT.prevhash),
    merkleRoot: hashAt(HEADER_AT.merkleRoot),
    ntime: copy.readUInt32LE(HEADER_AT.ntime),
    nbits: copy.readUInt32LE(HEADER_AT.nbits),
    nonce: copy.readUInt32LE(HEADER_AT.nonce),
  };
}

/** SHA-256 of SHA-256 of `input` written to `out` at `offset`. */
export function sha256dInto(input: Uint8Array, out: Uint8Array, offset: number): void {
  sha256Into(input, out, offset);
  sha256Into(out.subarray(offset, offset + SHA256_BYTES), out, offset);
}

/** SHA-256 of SHA-256, 32 bytes as computed: read as a number they are little-endian. */
export function sha256d(input: Uint8Array): Buffer {
  const digest = Buffer.alloc(SHA256_BYTES);
  sha256dInto(input, digest, 0);
  return digest;
}

/**
 * The prevhash field of `mining.notify` ↔ the header's own bytes: each 4-byte word reversed. The same step leads back.
 *
 * @param bytes 32 bytes @throws WorkError WORK_LENGTH
 */
export function swapWords(bytes: Uint8Array): Buffer {
  expectBytes("prevhash", bytes, SHA256_BYTES);
  return Buffer.from(bytes).swap32();
}

/** The header-order bytes as `mining.notify` carries them: 64 hex digits. @throws WorkError WORK_LENGTH */
export function stratumPrevhash(prevhash: Uint8Array): string {
  return swapWords(prevhash).toString("hex");
}

/** The version that was hashed, from the job's and the bits that `mining.submit` brings, and the other way round. */
export function rollVersion(version: number, bits: number): number {
  return (version ^ bits) >>> 0;
}

/** Whether all of `bits` may be rolled. */
export function withinMask(bits: number, mask: number): boolean {
  return (bits & ~mask) === 0;
}
