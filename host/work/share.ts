/**
 * The check of a share, in this order: job, extranonce2, time, version bits, duplicate, Merkle root, header, hash,
 * target. Nothing that the miner says is believed but the few numbers it chose.
 *
 * Refusals carry Stratum's codes; 24 (unauthorised) and 25 (not subscribed) belong to the connection.
 */
import { bytesOfHex, uint32OfHex } from "./bytes.ts";
import type { ProofBytes } from "./commitment.ts";
import type { FieldRefusal, PreparedJob, Share } from "./prepared-job.ts";
import type { SeenShares } from "./seen.ts";
import { difficultyOfHash, meetsTarget } from "./target.ts";

export type ShareRefusal = FieldRefusal | "job-not-found" | "stale" | "duplicate" | "too-many" | "low-difficulty";

/** Reason → Stratum's error code and text. */
export const SHARE_REFUSALS = {
  malformed: [20, "Malformed share"],
  "extranonce2-length": [20, "Extranonce2 is of the wrong length"],
  "ntime-range": [20, "Time out of range"],
  "version-bits": [20, "Version bits outside the mask"],
  "too-many": [20, "Too many shares of the current jobs"],
  "job-not-found": [21, "Job not found"],
  stale: [21, "Stale share"],
  duplicate: [22, "Duplicate share"],
  "low-difficulty": [23, "Low difficulty share"],
} as const satisfies Record<ShareRefusal, readonly [number, string]>;

export type ShareVerdict =
  | {
      readonly ok: true;
      /** 32 bytes as computed. */
      readonly hash: Buffer;
      readonly difficulty: number;
      /** The 80 bytes that were hashed; the proof's as well. */
      readonly header: Uint8Array;
      readonly proof: ProofBytes;
    }
  | {
      readonly ok: false;
      readonly reason: ShareRefusal;
      readonly code: (typeof SHARE_REFUSALS)[ShareRefusal][0];
      readonly message: string;
      /** Of a share that came as far as being hashed. */
      readonly difficulty?: number;
    };

/** A connection's jobs by id, `stale` for those that no longer count; a Map is one. */
export interface JobsById {
  get(id: string): PreparedJob | "stale" | undefined;
}

function refused(reason: ShareRefusal): Extract<ShareVerdict, { ok: false }> {
  const [code, message] = SHARE_REFUSALS[reason];
  return { ok: false, reason, code, message };
}

function judge(job: PreparedJob, share: Share): ShareVerdict {
  const hash = job.build(share);
  const difficulty = difficultyOfHash(hash);
  if (!meetsTarget(hash, job.terms.target)) return { ...refused("low-difficulty"), difficulty };
  const proof = job.proof();
  return { ok: true, hash: Buffer.from(hash), difficulty, header: proof.header, proof };
}

/**
 * Judges a share. Accepted ones are noted in `seen`.
 *
 * @param seen of the same connection as `jobs`; once it is full every share is refused until a job is forgotten
 */
export function checkShare(jobs: JobsById, share: Share, seen: SeenShares): ShareVerdict {
  const job = jobs.get(share.jobId);
  if (job === undefined) return refused("job-not-found");
  if (job === "stale") return refused("stale");
  const refusal = job.refusalOf(share);
  if (refusal !== null) return refused(refusal);
  const key = job.keyOf(share);
  if (seen.has(share.jobId, key)) return refused("duplicate");
  if (seen.full) return refused("too-many");
  const verdict = judge(job, share);
  if (verdict.ok) seen.add(share.jobId, key);
  return verdict;
}

/** The parameters of `mining.submit` after the worker's name. */
export interface ShareHex {
  readonly jobId: string;
  readonly extranonce2: string;
  readonly ntime: string;
  readonly nonce: string;
  readonly versionBits?: string | undefined;
}

/** Null, which is a malformed share, unless every number is exactly 8 hex digits and extranonce2 whole bytes. */
export function readShare(hex: ShareHex): Share | null {
  const extranonce2 = bytesOfHex(hex.extranonce2);
  const ntime = uint32OfHex(hex.ntime);
  const nonce = uint32OfHex(hex.nonce);
  const versionBits = hex.versionBits === undefined ? 0 : uint32OfHex(hex.versionBits);
  if (extranonce2 === null || ntime === null || nonce === null || versionBits === null) return null;
  return { jobId: hex.jobId, extranonce2, ntime, nonce, versionBits };
}
