import { codedErrors } from "../base/error.ts";

export const WORK_ERRORS = {
  WORK_LENGTH:
    "Give the field exactly its bytes: 80 for a header, 32 for hashes, roots, targets, commitments and branches.",
  WORK_NUMBER: "Give a whole number within the range named.",
  WORK_DIFFICULTY: "Use a difficulty from 2^-32 to 2^208.",
  WORK_NBITS: "Use a compact target that is positive and below 2^256, such as 170355f0.",
  WORK_JOB: "Give a job an id of 1 to 16 lowercase hex digits, and a version without the bits that the miner may roll.",
  WORK_VERSION: "The device changed version bits that it may not change: check its firmware; the work is not used.",
  WORK_PROOF: "The work proof is damaged or of another format: ask for the receipt or the message again.",
} as const;

export class WorkError extends codedErrors(WORK_ERRORS) {}
