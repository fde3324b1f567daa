/**
 * A difficulty as text: digits, and for simulated devices a fraction, so that every language reads the same number
 * and compares exactly. A hash, read as a little-endian number, meets it when hash × difficulty ≤ 0xffff × 2^208.
 */
import {
  difficultyOfHash,
  LEAST_DIFFICULTY,
  MOST_DIFFICULTY,
  meetsTarget,
  targetOfDifficulty,
} from "../work/target.ts";
import { SealError } from "./error.ts";

const MOST = 2 ** 53;
const DIFFICULTY_1 = 0xffffn << 208n;
/** Whole numbers of up to 16 digits, up to 32 decimals, no zero that could be left out. */
export const DIFFICULTY_TEXT = /^(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{0,31}[1-9])?$/;

/**
 * Rounded down to a multiple of 2^-32, which 32 decimals write exactly: what meets the difficulty meets the text.
 *
 * @param difficulty 2^-32…2^53 @throws SealError SEAL_DIFFICULTY
 */
export function difficultyText(difficulty: number): string {
  if (!(difficulty >= LEAST_DIFFICULTY && difficulty <= MOST)) {
    throw new SealError("SEAL_DIFFICULTY", `difficulty ${difficulty} is out of range`);
  }
  const rounded = Math.floor(difficulty * 2 ** 32) / 2 ** 32;
  return rounded.toFixed(32).replace(/\.?0+$/, "");
}

/** @param hash 32 bytes, as computed @param text of `DIFFICULTY_TEXT`; "0" is met by nothing */
export function meetsDifficultyText(hash: Uint8Array, text: string): boolean {
  const [whole = "", decimals = ""] = text.split(".");
  const digits = BigInt(whole + decimals);
  const value = BigInt(`0x${Buffer.from(hash).reverse().toString("hex")}`);
  return digits > 0n && value * digits <= DIFFICULTY_1 * 10n ** BigInt(decimals.length);
}

/** @throws SealError SEAL_DIFFICULTY unless 0, for no minimum, or 2^-32…2^208 */
export function expectMinimum(difficulty: number): void {
  if (difficulty === 0 || (difficulty >= LEAST_DIFFICULTY && difficulty <= MOST_DIFFICULTY)) return;
  throw new SealError("SEAL_DIFFICULTY", `minimum difficulty ${difficulty} is out of range`);
}

/** @param hash 32 bytes @param difficulty 0, which every hash meets, or 2^-32…2^208 */
export function meetsMinimum(hash: Uint8Array, difficulty: number): boolean {
  return difficulty === 0 || meetsTarget(hash, targetOfDifficulty(difficulty));
}

/** What the hash proves, for people: four significant digits. */
export function shownDifficulty(hash: Uint8Array): string {
  return String(Number(difficultyOfHash(hash).toPrecision(4)));
}
