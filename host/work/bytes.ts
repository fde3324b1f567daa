/** Checks of fixed-length fields, and byte order. */
import { WorkError } from "./error.ts";

export const UINT32_MAX = 0xffffffff;

/** @throws WorkError WORK_LENGTH unless `bytes` has exactly `count` bytes */
export function expectBytes(name: string, bytes: Uint8Array, count: number): void {
  if (bytes.length !== count) throw new WorkError("WORK_LENGTH", `${name} has ${bytes.length} bytes, not ${count}`);
}

/** @throws WorkError WORK_NUMBER unless `value` is a whole number from `least` to `most` */
export function expectWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new WorkError("WORK_NUMBER", `${name} is ${value}, not a whole number from ${least} to ${most}`);
}

/** @throws WorkError WORK_NUMBER unless `value` is an unsigned whole number of 32 bits */
export function expectUint32(name: string, value: number): void {
  expectWhole(name, value, 0, UINT32_MAX);
}

export function isUint32(value: number): boolean {
  return value >>> 0 === value;
}

/** A copy, last byte first: a hash as it is computed ↔ as it is printed and compared. */
export function reversed(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes).reverse();
}

/** The bytes of lowercase or uppercase hex digits; null for anything else. */
export function bytesOfHex(hex: string): Buffer | null {
  return hex.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(hex) ? Buffer.from(hex, "hex") : null;
}

/** The number that exactly 8 hex digits write, most significant first; null for anything else. */
export function uint32OfHex(hex: string): number | null {
  return /^[0-9a-fA-F]{8}$/.test(hex) ? Number.parseInt(hex, 16) : null;
}
