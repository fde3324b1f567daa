/** Where in a work proof 32 given bytes sit. Wherever it is, they were fixed before the nonce was searched. */

import { scriptOfCoinbase } from "./coinbase.ts";
import { HEADER_AT, stratumPrevhash } from "./header.ts";
import { SHA256_BYTES } from "./sha256.ts";

/**
 * - `script`: pushed right after the height by the script of a well-formed coinbase, as our own jobs have it. One work
 *   proof has one such place; in the others it can carry several commitments, and its work would count for each.
 * - `coinbase`: elsewhere among the coinbase's bytes.
 * - `branch`: one of the branches.
 * - `prevhash`: the header's previous hash, in the header's byte order or in that of `mining.notify`.
 */
export type CommitmentPlace =
  | { readonly kind: "script"; readonly offsetBytes: number }
  | { readonly kind: "coinbase"; readonly offsetBytes: number }
  | { readonly kind: "branch"; readonly index: number }
  | { readonly kind: "prevhash"; readonly order: "header" | "stratum" };

/** The bytes that a work proof consists of; lengths unchecked here. */
export interface ProofBytes {
  readonly header: Uint8Array;
  readonly coinbase: Uint8Array;
  readonly branches: readonly Uint8Array[];
}

/** Offset of the 32 bytes that the second push of the script carries; null if it is no push of 32 bytes. */
function sealedPush(coinbase: Uint8Array): number | null {
  const script = scriptOfCoinbase(coinbase);
  const heightBytes = script === null ? undefined : coinbase[script.start];
  if (script === null || heightBytes === undefined || heightBytes < 1 || heightBytes > 5) return null;
  const opcode = script.start + 1 + heightBytes;
  const start = opcode + 1;
  return coinbase[opcode] === SHA256_BYTES && start + SHA256_BYTES <= script.end ? start : null;
}

function inCoinbase(coinbase: Uint8Array, commitment: Uint8Array): CommitmentPlace | null {
  const bytes = Buffer.from(coinbase);
  const pushed = sealedPush(coinbase);
  if (pushed !== null && bytes.subarray(pushed, pushed + SHA256_BYTES).equals(commitment)) {
    return { kind: "script", offsetBytes: pushed };
  }
  const offsetBytes = bytes.indexOf(commitment);
  return offsetBytes < 0 ? null : { kind: "coinbase", offsetBytes };
}

/**
 * The first place of the commitment, in the order of `CommitmentPlace`; null where it is in none.
 *
 * That the header depends on coinbase and branches is for the caller to check (`verifyProof` does).
 *
 * @param commitment 32 bytes
 */
export function findCommitment(proof: ProofBytes, commitment: Uint8Array): CommitmentPlace | null {
  const coinbase = inCoinbase(proof.coinbase, commitment);
  if (coinbase !== null) return coinbase;
  const index = proof.branches.findIndex((branch) => Buffer.from(branch).equals(commitment));
  if (index >= 0) return { kind: "branch", index };
  const prevhash = Buffer.from(proof.header.subarray(HEADER_AT.prevhash, HEADER_AT.merkleRoot));
  if (prevhash.equals(commitment)) return { kind: "prevhash", order: "header" };
  return stratumPrevhash(prevhash) === Buffer.from(commitment).toString("hex")
    ? { kind: "prevhash", order: "stratum" }
    : null;
}
