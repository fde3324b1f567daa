import { codedErrors } from "../base/error.ts";

export const SEAL_ERRORS = {
  SEAL_RESULT: "This is a defect in the appliance: a result of this shape cannot be bound; report it with the message.",
  SEAL_CANONICAL: "Give well-formed text, whole numbers below 2^53, true, false, null, lists and objects only.",
  SEAL_LENGTH: "Give roots, sealed values, commitments, seeds and public keys exactly 32 bytes each.",
  SEAL_BATCH: "Give a batch 1 to 1,024 results, and a place within it.",
  SEAL_DIFFICULTY: "Use a difficulty from 2^-32 to 2^53, or 0 where no minimum is wanted.",
  SEAL_POLICY: "Give the batching policy whole numbers within the ranges named.",
  SEAL_WORK: "The work proof does not carry this batch: it is not used, and the batch waits for another.",
  SEAL_MESSAGE: "The seal is damaged or of another format: take it from the appliance again.",
  SEAL_RECEIPT: "The receipt is damaged or of another format: ask the appliance for it again.",
  SEAL_LEDGER: "The ledger is broken at the seal named: keep a copy of the data folder, and restore a backup.",
  SEAL_TRUST: "Give one key a line: 64 lowercase hex digits, then, if wanted, a space and a name; # begins a comment.",
  SEAL_KEY_PERMISSIONS:
    "Others could read or replace the signing key: give folder and file to the appliance's user alone (chmod 700 and 600), and consider making a new key.",
  SEAL_KEY_DAMAGED:
    "Restore the signing key from a backup, or move it aside to start with a new one, which verifiers must then be told.",
  SEAL_KEY_IO:
    "Check that the key's folder can be read and written by the appliance's user, and that the disk has space.",
} as const;

export type SealCode = keyof typeof SEAL_ERRORS;

export class SealError extends codedErrors(SEAL_ERRORS) {}
