/** Jobs out of a recording's `mining.notify`, in the bytes that are hashed. */
import { bytesOfHex, uint32OfHex } from "../../host/work/bytes.ts";
import { swapWords } from "../../host/work/header.ts";
import type { Job } from "../../host/work/job.ts";
import { SHA256_BYTES } from "../../host/work/sha256.ts";

/** Undefined for what is no job. */
export function jobOf(params: readonly unknown[]): Job | undefined {
  const [id, prevhash, coinb1, coinb2, branches, version, nbits, ntime] = params;
  const hashes = Array.isArray(branches) ? branches.map((branch: unknown) => bytes(branch)) : [undefined];
  const parts = { prevhash: bytes(prevhash), coinb1: bytes(coinb1), coinb2: bytes(coinb2) };
  const numbers = { version: number(version), nbits: number(nbits), ntime: number(ntime) };
  if (typeof id !== "string" || parts.prevhash?.length !== SHA256_BYTES) return undefined;
  if (parts.coinb1 === undefined || parts.coinb2 === undefined) return undefined;
  if (numbers.version === null || numbers.nbits === null || numbers.ntime === null) return undefined;
  const whole = hashes.filter((hash) => hash?.length === SHA256_BYTES).flatMap((hash) => hash ?? []);
  if (whole.length !== hashes.length) return undefined;
  return {
    ...{ id, prevhash: swapWords(parts.prevhash), coinb1: parts.coinb1, coinb2: parts.coinb2, branches: whole },
    ...{ version: numbers.version, nbits: numbers.nbits, ntime: numbers.ntime },
  };
}

function bytes(hex: unknown): Buffer | undefined {
  return typeof hex === "string" ? (bytesOfHex(hex) ?? undefined) : undefined;
}

function number(hex: unknown): number | null {
  return typeof hex === "string" ? uint32OfHex(hex) : null;
}
