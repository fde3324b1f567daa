/** A job as one connection has it: what was agreed, and the bytes that are hashed for a share. */
import { foldBranches } from "./branches.ts";
import { expectBytes, expectUint32, expectWhole, isUint32 } from "./bytes.ts";
import type { ProofBytes } from "./commitment.ts";
import { HEADER_AT, HEADER_BYTES, rollVersion, sha256dInto, withinMask } from "./header.ts";
import { expectUnrolled, type Job } from "./job.ts";
import { SHA256_BYTES } from "./sha256.ts";

/** What a miner sends; numbers are unsigned, 32 bits. */
export interface Share {
  readonly jobId: string;
  readonly extranonce2: Uint8Array;
  readonly ntime: number;
  readonly nonce: number;
  /** Difference to the job's version; 0 where none was rolled. */
  readonly versionBits: number;
}

/** What was agreed with the connection when the job went out. */
export interface ShareTerms {
  /** 0…8 bytes. */
  readonly extranonce1: Uint8Array;
  /** 1…8. */
  readonly extranonce2Bytes: number;
  /** Bits of the version that the miner may roll; the job's version has none of them set. */
  readonly versionMask: number;
  /** 32 bytes, most significant first. */
  readonly target: Uint8Array;
  /** How far the miner may move the time ahead of the job's, in seconds, 0…7200. */
  readonly ntimeSlackS: number;
}

export type FieldRefusal = "malformed" | "extranonce2-length" | "ntime-range" | "version-bits";

function expectFit(job: Job, terms: ShareTerms): void {
  expectWhole("extranonce1 length", terms.extranonce1.length, 0, 8);
  expectWhole("extranonce2Bytes", terms.extranonce2Bytes, 1, 8);
  expectWhole("ntimeSlackS", terms.ntimeSlackS, 0, 7200);
  expectUint32("versionMask", terms.versionMask);
  expectBytes("target", terms.target, SHA256_BYTES);
  expectBytes("prevhash", job.prevhash, SHA256_BYTES);
  for (const branch of job.branches) expectBytes("branch", branch, SHA256_BYTES);
  for (const field of ["version", "ntime", "nbits"] as const) expectUint32(field, job[field]);
  expectUnrolled(job.version, terms.versionMask);
}

/**
 * The bytes are laid out once, so that a share costs copies of what the miner chose, and hashes. The object is
 * scratch space: what `build` leaves behind is good until the next call.
 */
export class PreparedJob {
  readonly job: Job;
  readonly terms: ShareTerms;
  readonly #coinbase: Buffer;
  readonly #extranonce2At: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  /** The coinbase's hash, later the Merkle root, and room for a branch. */
  readonly #node = Buffer.alloc(2 * SHA256_BYTES);
  readonly #hash = Buffer.alloc(SHA256_BYTES);
  /** extranonce2, ntime, nonce and version bits. */
  readonly #key: Buffer;

  /** @throws WorkError WORK_JOB, WORK_LENGTH or WORK_NUMBER */
  constructor(job: Job, terms: ShareTerms) {
    expectFit(job, terms);
    this.job = job;
    this.terms = terms;
    const { extranonce1, extranonce2Bytes } = terms;
    this.#coinbase = Buffer.concat([job.coinb1, extranonce1, Buffer.alloc(extranonce2Bytes), job.coinb2]);
    this.#extranonce2At = job.coinb1.length + extranonce1.length;
    this.#key = Buffer.alloc(extranonce2Bytes + 12);
    this.#header.set(job.prevhash, HEADER_AT.prevhash);
    this.#header.writeUInt32LE(job.nbits, HEADER_AT.nbits);
  }

  /** Why the share's fields are not of this job; null if they are. */
  refusalOf(share: Share): FieldRefusal | null {
    const { extranonce2Bytes, ntimeSlackS, versionMask } = this.terms;
    if (!isUint32(share.ntime) || !isUint32(share.nonce) || !isUint32(share.versionBits)) return "malformed";
    if (share.extranonce2.length !== extranonce2Bytes) return "extranonce2-length";
    if (share.ntime < this.job.ntime || share.ntime > this.job.ntime + ntimeSlackS) return "ntime-range";
    return withinMask(share.versionBits, versionMask) ? null : "version-bits";
  }

  /** What tells a share of this job from every other. @param share one that `refusalOf` does not refuse */
  keyOf(share: Share): string {
    const at = share.extranonce2.length;
    this.#key.set(share.extranonce2);
    this.#key.writeUInt32LE(share.ntime, at);
    this.#key.writeUInt32LE(share.nonce, at + 4);
    this.#key.writeUInt32LE(share.versionBits, at + 8);
    return this.#key.toString("latin1");
  }

  /**
   * Coinbase, Merkle root and header of a share.
   *
   * @param share one that `refusalOf` does not refuse
   * @returns the header's hash, 32 bytes as computed, good until the next call
   */
  build(share: Share): Buffer {
    this.#coinbase.set(share.extranonce2, this.#extranonce2At);
    sha256dInto(this.#coinbase, this.#node, 0);
    foldBranches(this.#node, this.job.branches);
    this.#node.copy(this.#header, HEADER_AT.merkleRoot, 0, SHA256_BYTES);
    this.#header.writeUInt32LE(rollVersion(this.job.version, share.versionBits), HEADER_AT.version);
    this.#header.writeUInt32LE(share.ntime, HEADER_AT.ntime);
    this.#header.writeUInt32LE(share.nonce, HEADER_AT.nonce);
    sha256dInto(this.#header, this.#hash, 0);
    return this.#hash;
  }

  /** A copy of what was built last. */
  proof(): ProofBytes {
    return {
      header: Buffer.from(this.#header),
      coinbase: Buffer.from(this.#coinbase),
      branches: this.job.branches,
    };
  }
}
