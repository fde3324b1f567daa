/**
 * Targets and difficulties.
 *
 * A hash proves difficulty 0xffff × 2^208 / hash, the hash read as a little-endian number of 256 bits: about that
 * many times 2^32 hashes were tried. Decisions compare whole hashes with whole targets; the difficulty as a number is
 * for people and messages, and is the exact quotient rounded once, so that every language arrives at the same double.
 *
 * Targets are 32 bytes, most significant first. Hashes are 32 bytes as SHA-256 gives them.
 */
import { expectBytes, expectUint32, reversed } from "./bytes.ts";
import { WorkError } from "./error.ts";
import { SHA256_BYTES } from "./sha256.ts";

const DIFFICULTY_1 = 0xffffn << 208n;
/** The target then still fits its 256 bits. */
export const LEAST_DIFFICULTY = 2 ** -32;
/** The target is then 0xffff. */
export const MOST_DIFFICULTY = 2 ** 208;
/** Fraction bits of the quotient: at least 96 bits in all, so that one rounding to 53 is the only one. */
const QUOTIENT_BITS = 128n;

/** Whether the hash, as a number, is at most the target. No allocation; both 32 bytes, unchecked. */
export function meetsTarget(hash: Uint8Array, target: Uint8Array): boolean {
  for (let i = 0; i < SHA256_BYTES; i++) {
    const difference = (hash[SHA256_BYTES - 1 - i] ?? 0) - (target[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

function bigOf(mostFirst: Buffer): bigint {
  return BigInt(`0x${mostFirst.toString("hex")}`);
}

function targetOfBig(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * SHA256_BYTES, "0"), "hex");
}

/** 0xffff × 2^208 / value, correctly rounded (to nearest, ties to even); Infinity for 0. */
function quotient(value: bigint): number {
  if (value === 0n) return Number.POSITIVE_INFINITY;
  const scaled = DIFFICULTY_1 << QUOTIENT_BITS;
  const floor = scaled / value;
  const sticky = floor * value === scaled ? 0n : 1n;
  return Number(floor | sticky) * 2 ** -Number(QUOTIENT_BITS);
}

/**
 * What a hash proves.
 *
 * @param hash 32 bytes, as computed
 * @returns ≥ 0.99998 × 2^-32, within half a unit in the last place
 * @throws WorkError WORK_LENGTH
 */
export function difficultyOfHash(hash: Uint8Array): number {
  expectBytes("hash", hash, SHA256_BYTES);
  return quotient(bigOf(reversed(hash)));
}

/** The difficulty that a target asks for. @param target 32 bytes @throws WorkError WORK_LENGTH */
export function difficultyOfTarget(target: Uint8Array): number {
  expectBytes("target", target, SHA256_BYTES);
  return quotient(bigOf(Buffer.from(target)));
}

/** A positive finite double as mantissa × 2^exponent, exactly. */
function parts(value: number): { mantissa: bigint; exponent: bigint } {
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value);
  const fraction = bits.readBigUInt64BE() & ((1n << 52n) - 1n);
  return { mantissa: fraction | (1n << 52n), exponent: BigInt(((bits.readUInt16BE() >> 4) & 0x7ff) - 1075) };
}

/**
 * The largest target whose hashes are all of at least this difficulty: floor(0xffff × 2^208 / difficulty), exact for
 * every double.
 *
 * @param difficulty 2^-32 … 2^208; fractions are for simulated devices, stock firmware reads whole numbers only
 * @returns 32 bytes, most significant first
 * @throws WorkError WORK_DIFFICULTY
 */
export function targetOfDifficulty(difficulty: number): Buffer {
  if (!(difficulty >= LEAST_DIFFICULTY && difficulty <= MOST_DIFFICULTY)) {
    throw new WorkError("WORK_DIFFICULTY", `difficulty ${difficulty} is out of range`);
  }
  const { mantissa, exponent } = parts(difficulty);
  return targetOfBig(exponent < 0n ? (DIFFICULTY_1 << -exponent) / mantissa : DIFFICULTY_1 / (mantissa << exponent));
}

/**
 * The target that a compact `nbits` stands for: 24 bits of mantissa, of which the highest is a sign, times a power of
 * 256 (Bitcoin Core, `arith_uint256::SetCompact`).
 *
 * @returns 32 bytes, most significant first
 * @throws WorkError WORK_NUMBER; WORK_NBITS where the target is zero, negative or above 2^256 - 1
 */
export function targetOfNbits(nbits: number): Buffer {
  expectUint32("nbits", nbits);
  const mantissa = BigInt(nbits & 0x7fffff);
  const shift = 8n * BigInt((nbits >>> 24) - 3);
  const target = shift < 0n ? mantissa >> -shift : mantissa << shift;
  if ((nbits & 0x800000) !== 0 || target === 0n || target >> 256n !== 0n) {
    throw new WorkError("WORK_NBITS", `nbits ${nbits.toString(16).padStart(8, "0")} stand for no target`);
  }
  return targetOfBig(target);
}

/**
 * The compact form, which keeps the highest 23 or 24 bits and drops the rest (`arith_uint256::GetCompact`).
 *
 * @param target 32 bytes, not zero
 * @throws WorkError WORK_LENGTH; WORK_NBITS for a zero target
 */
export function nbitsOfTarget(target: Uint8Array): number {
  expectBytes("target", target, SHA256_BYTES);
  const first = target.findIndex((byte) => byte !== 0);
  if (first < 0) throw new WorkError("WORK_NBITS", "a target of zero has no compact form");
  // A leading bit that would read as the sign costs a byte of mantissa.
  const start = (target[first] ?? 0) >= 0x80 ? first - 1 : first;
  const byte = (at: number) => target[at] ?? 0;
  return (((SHA256_BYTES - start) << 24) | (byte(start) << 16) | (byte(start + 1) << 8) | byte(start + 2)) >>> 0;
}

/**
 * The difficulty at which an ASIC is to report, which filters by powers of two only: the largest that is not above
 * the one asked for, from 1 to 2^31. Below difficulty 1 the chip reports less than was asked for.
 *
 * @throws WorkError WORK_DIFFICULTY
 */
export function ticketDifficulty(difficulty: number): number {
  if (!(difficulty > 0)) throw new WorkError("WORK_DIFFICULTY", `difficulty ${difficulty} is out of range`);
  const whole = Math.min(Math.max(Math.floor(difficulty), 1), 0xffffffff);
  return 2 ** (31 - Math.clz32(whole));
}
