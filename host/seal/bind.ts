import { boundResult, commitmentOf, type ResultToBind } from "./commitment.ts";
import type { SigningKey } from "./signing-key.ts";

/** Commitment (32 bytes), the key's signature over it (64), and the key (32). @throws SealError SEAL_RESULT */
export function bindResult(result: ResultToBind, key: SigningKey) {
  const commitment = commitmentOf(boundResult(result));
  return { commitment, signature: key.sign(commitment), publicKey: key.publicKey };
}
