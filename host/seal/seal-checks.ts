/** The checks that a seal goes through, with or without a receipt around it. */
import { rootOfCoinbase } from "../work/branches.ts";
import { findCommitment } from "../work/commitment.ts";
import { HEADER_AT, sha256d } from "../work/header.ts";
import type { WorkProof } from "../work/proof.ts";
import { type Check, check } from "./checks.ts";
import { meetsDifficultyText, meetsMinimum, shownDifficulty } from "./difficulty.ts";
import { fromHex, toHex } from "./fields.ts";
import { batchOf, DEFAULT_MIN_DIFFICULTY, proofOf, type Seal, signedBytes } from "./seal.ts";
import { sealedValue } from "./sealed-value.ts";
import type { VerifyingKey } from "./signing-key.ts";
import type { TrustedKeys } from "./trust.ts";

function headerCheck({ header, coinbase, branches }: WorkProof): Check {
  const root = rootOfCoinbase(coinbase, branches);
  const holds = root.equals(header.subarray(HEADER_AT.merkleRoot, HEADER_AT.ntime));
  return check(
    "work-header",
    holds,
    "Coinbase and branches lead to the header.",
    "Coinbase and branches lead to another Merkle root than the header's.",
  );
}

function commitmentCheck(proof: WorkProof, value: Uint8Array): Check {
  const holds = findCommitment(proof, value)?.kind === "script";
  const failed = "The sealed value is not what the coinbase's script pushes after the height.";
  return check("work-commitment", holds, "The coinbase's script pushes the sealed value.", failed);
}

/** Without a wish of the verifier's own, a simulated device's work is not measured: it proves nothing anyway. */
function minimumCheck(seal: Seal, hash: Uint8Array, wanted: number | undefined): Check {
  if (wanted === undefined && seal.device.simulated) {
    return { name: "minimum", verdict: "skipped", detail: "No minimum was asked for, and the device is simulated." };
  }
  const minimum = wanted ?? DEFAULT_MIN_DIFFICULTY;
  const shown = shownDifficulty(hash);
  const failed = `The work is of difficulty ${shown}, below the minimum ${minimum}.`;
  return check(
    "minimum",
    meetsMinimum(hash, minimum),
    `The work is of difficulty ${shown}, at least ${minimum}.`,
    failed,
  );
}

function workChecks(seal: Seal, minDifficulty: number | undefined): Check[] {
  const proof = proofOf(seal);
  const hash = sha256d(proof.header);
  const stated = meetsDifficultyText(hash, seal.difficulty);
  return [
    headerCheck(proof),
    commitmentCheck(proof, fromHex(seal.sealedValue)),
    check(
      "work-difficulty",
      stated,
      `The hash meets difficulty ${seal.difficulty}.`,
      `The hash is of difficulty ${shownDifficulty(hash)}, below ${seal.difficulty}.`,
    ),
    minimumCheck(seal, hash, minDifficulty),
    check(
      "work-flag",
      !(seal.workVerified && seal.device.simulated),
      seal.workVerified
        ? "The appliance says that it verified a real device's work."
        : "The appliance calls no work verified.",
      "The work of a simulated device is called verified.",
    ),
  ];
}

/** @param key the one that the seal states */
export function sealChecks(seal: Seal, key: VerifyingKey, minDifficulty: number | undefined): Check[] {
  const value = toHex(sealedValue(batchOf(seal)));
  const signed = key.verifies(signedBytes(seal), fromHex(seal.signature));
  return [
    check(
      "sealed-value",
      value === seal.sealedValue,
      "It follows from root, size and previous.",
      `Root, size and previous give ${value}.`,
    ),
    check(
      "seal-signature",
      signed,
      "The signature is the stated key's.",
      "The signature is not the stated key's over this seal.",
    ),
    ...workChecks(seal, minDifficulty),
  ];
}

export function signerCheck(publicKey: string, trusted: TrustedKeys): Check {
  const known = trusted.get(publicKey);
  if (known === undefined)
    return { name: "signer", verdict: "unknown", detail: `Nobody vouches for key ${publicKey}.` };
  return { name: "signer", verdict: "passed", detail: `The key is trusted${known === "" ? "" : ` as ${known}`}.` };
}
