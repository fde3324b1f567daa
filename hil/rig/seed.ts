/** Every random number of a run comes from one seed; a case's own does not depend on which other cases run. */
import { createHash, randomInt } from "node:crypto";

/** Seeds are whole numbers from 0 up to, not including, this. */
export const SEED_END = 2 ** 32;

export function drawSeed(): number {
  return randomInt(SEED_END);
}

/** The same on every target and at every attempt, so that what differs is the target. */
export function caseSeed(seed: number, id: string): number {
  return createHash("sha256").update(`${seed}/${id}`).digest().readUInt32BE(0);
}
