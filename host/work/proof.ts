/**
 * A work proof: everything that is needed to see, without device, network or store, that about difficulty × 2^32
 * hashes were tried, by someone, after 32 given bytes were fixed.
 *
 * The version and the nonce that were found stand in the header (`decodeHeader`).
 */
import { MAX_BRANCHES, rootOfCoinbase } from "./branches.ts";
import { bytesOfHex, expectBytes } from "./bytes.ts";
import { type CommitmentPlace, findCommitment, type ProofBytes } from "./commitment.ts";
import { WorkError } from "./error.ts";
import { HEADER_AT, HEADER_BYTES, sha256d } from "./header.ts";
import { SHA256_BYTES } from "./sha256.ts";
import { difficultyOfHash, meetsTarget } from "./target.ts";

/** Ours have 116; those of real blocks with few outputs fit as well. */
export const MAX_COINBASE_BYTES = 1024;

export type WorkProof = ProofBytes;

/**
 * - `malformed`: a part is of the wrong length, or there are more than 32 branches or 1,024 bytes of coinbase
 * - `root`: coinbase and branches do not lead to the header's Merkle root
 * - `commitment`: the commitment is nowhere in it
 * - `target`: the hash is above the target
 */
export type ProofRefusal = "malformed" | "root" | "commitment" | "target";

export type ProofVerdict =
  | {
      readonly ok: true;
      /** 32 bytes as computed. */
      readonly hash: Buffer;
      readonly difficulty: number;
      readonly place: CommitmentPlace;
    }
  | { readonly ok: false; readonly reason: ProofRefusal; readonly detail: string };

function malformation({ header, coinbase, branches }: ProofBytes): string | null {
  if (header.length !== HEADER_BYTES) return `the header has ${header.length} bytes, not ${HEADER_BYTES}`;
  if (coinbase.length === 0 || coinbase.length > MAX_COINBASE_BYTES) {
    return `the coinbase has ${coinbase.length} bytes, not 1 to ${MAX_COINBASE_BYTES}`;
  }
  if (branches.length > MAX_BRANCHES) return `there are ${branches.length} branches, more than ${MAX_BRANCHES}`;
  const odd = branches.findIndex((branch) => branch.length !== SHA256_BYTES);
  return odd < 0 ? null : `branch ${odd} has ${branches[odd]?.length} bytes, not ${SHA256_BYTES}`;
}

/**
 * Verifies a proof from an untrusted source: shape, root, commitment, target, in this order.
 *
 * Where the commitment may sit is for the caller to decide; a seal wants `script`.
 *
 * @param commitment 32 bytes
 * @param target 32 bytes, most significant first: what is asked for, whatever the header's nbits say
 * @throws WorkError WORK_LENGTH for the last two; never because of the proof
 */
export function verifyProof(proof: WorkProof, commitment: Uint8Array, target: Uint8Array): ProofVerdict {
  expectBytes("commitment", commitment, SHA256_BYTES);
  expectBytes("target", target, SHA256_BYTES);
  const refuse = (reason: ProofRefusal, detail: string): ProofVerdict => ({ ok: false, reason, detail });
  const malformed = malformation(proof);
  if (malformed !== null) return refuse("malformed", malformed);
  const root = rootOfCoinbase(proof.coinbase, proof.branches);
  if (!root.equals(proof.header.subarray(HEADER_AT.merkleRoot, HEADER_AT.ntime))) {
    return refuse("root", "coinbase and branches do not lead to the header's Merkle root");
  }
  const place = findCommitment(proof, commitment);
  if (place === null) return refuse("commitment", "the commitment is not in the work proof");
  const hash = sha256d(proof.header);
  const difficulty = difficultyOfHash(hash);
  if (!meetsTarget(hash, target)) return refuse("target", `difficulty ${difficulty} does not meet the target`);
  return { ok: true, hash, difficulty, place };
}

/** A proof in JSON: lowercase hex, the only spelling that is read back. */
export interface ProofJson {
  readonly header: string;
  readonly coinbase: string;
  readonly branches: readonly string[];
}

export function encodeProof(proof: WorkProof): ProofJson {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  return { header: hex(proof.header), coinbase: hex(proof.coinbase), branches: proof.branches.map(hex) };
}

function hexField(name: string, value: unknown): Buffer {
  const bytes = typeof value === "string" && value.length <= 2 * MAX_COINBASE_BYTES ? bytesOfHex(value) : null;
  if (bytes === null || bytes.toString("hex") !== value) {
    throw new WorkError("WORK_PROOF", `${name} of the work proof is not lowercase hex of a sane length`);
  }
  return bytes;
}

/** @param value parsed JSON, untrusted; other fields are ignored @throws WorkError WORK_PROOF */
export function decodeProof(value: unknown): WorkProof {
  const fields: Partial<Record<keyof ProofJson, unknown>> = typeof value === "object" && value !== null ? value : {};
  if (!Array.isArray(fields.branches) || fields.branches.length > MAX_BRANCHES) {
    throw new WorkError("WORK_PROOF", `branches of the work proof are not a list of at most ${MAX_BRANCHES}`);
  }
  const proof = {
    header: hexField("header", fields.header),
    coinbase: hexField("coinbase", fields.coinbase),
    branches: fields.branches.map((branch: unknown, index) => hexField(`branch ${index}`, branch)),
  };
  const malformed = malformation(proof);
  if (malformed !== null) throw new WorkError("WORK_PROOF", `in the work proof ${malformed}`);
  return proof;
}
