/**
 * Jobs as Stratum gives them to miners, and those that carry a sealed value.
 *
 * The limits are those that every known firmware takes without rebooting: some forks walk an uninitialised pointer
 * when there is no branch, drop job ids they have seen, or roll version bits that nobody granted.
 */
import { expectBytes, expectUint32 } from "./bytes.ts";
import { coinbaseParts } from "./coinbase.ts";
import { WorkError } from "./error.ts";
import { VERSION_MASK, withinMask } from "./header.ts";
import { SHA256_BYTES, taggedSha256 } from "./sha256.ts";

/** BIP 9's, with no bit set that a miner may roll. */
export const SEAL_VERSION = 0x20000000;
/** A target hard enough that no share counts as a block: easy ones make firmware announce a find. */
export const SEAL_NBITS = 0x170355f0;
/** A public constant in the place of a previous block: the header can never become a block of any chain. */
export const SEAL_PREVHASH: Uint8Array = taggedSha256("lv06/prevhash/1");
/** A public constant, so that there is a branch. */
export const SEAL_BRANCH: Uint8Array = taggedSha256("lv06/branch/1");

/** Numbers are unsigned, 32 bits; hashes are 32 bytes in the order in which they are hashed. */
export interface Job {
  readonly id: string;
  readonly version: number;
  /** In the header's order; `stratumPrevhash` gives the form of `mining.notify`. */
  readonly prevhash: Uint8Array;
  readonly coinb1: Uint8Array;
  readonly coinb2: Uint8Array;
  readonly branches: readonly Uint8Array[];
  readonly nbits: number;
  readonly ntime: number;
}

export interface SealJobOptions {
  /** 1…16 lowercase hex digits, never used before. */
  readonly id: string;
  /** What is sealed, 32 bytes. */
  readonly commitment: Uint8Array;
  /** Real time in seconds since 1970: devices set their clock by it. */
  readonly ntime: number;
  /** Length of extranonce1 and extranonce2 together, 4…16 bytes. */
  readonly extranonceBytes: number;
  /** Default `SEAL_NBITS`. */
  readonly nbits?: number;
  /** Default `SEAL_PREVHASH`; another value tells connections apart. */
  readonly prevhash?: Uint8Array;
}

/**
 * A job whose shares are work proofs of the commitment.
 *
 * @throws WorkError WORK_JOB, WORK_LENGTH or WORK_NUMBER
 */
export function sealJob(options: SealJobOptions): Job {
  const { id, commitment, ntime, extranonceBytes, nbits = SEAL_NBITS, prevhash = SEAL_PREVHASH } = options;
  if (!/^[0-9a-f]{1,16}$/.test(id))
    throw new WorkError("WORK_JOB", `job id "${id}" is not 1 to 16 lowercase hex digits`);
  expectUint32("ntime", ntime);
  expectUint32("nbits", nbits);
  expectBytes("prevhash", prevhash, SHA256_BYTES);
  const coinbase = coinbaseParts({ commitment, extranonceBytes });
  return { id, version: SEAL_VERSION, prevhash, ...coinbase, branches: [SEAL_BRANCH], nbits, ntime };
}

/**
 * Miners disagree on whether they send the rolled bits or the difference to the job's version; the two are the same
 * where the job sets no bit that may be rolled, so such jobs only are given out.
 *
 * @throws WorkError WORK_JOB
 */
export function expectUnrolled(version: number, mask: number = VERSION_MASK): void {
  if (withinMask(version, ~mask)) return;
  throw new WorkError("WORK_JOB", `version ${version.toString(16)} sets bits of the mask ${mask.toString(16)}`);
}
