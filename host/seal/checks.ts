/** What is checked of a receipt, in which words, and what follows from the verdicts. */

/** In the order in which they are printed. */
export const CHECK_NAMES = [
  "form",
  "file",
  "raster",
  "commitment",
  "signature",
  "inclusion",
  "sealed-value",
  "seal-signature",
  "appliance",
  "work-header",
  "work-commitment",
  "work-difficulty",
  "minimum",
  "work-flag",
  "signer",
  "simulation",
] as const;

export type CheckName = (typeof CHECK_NAMES)[number];

/**
 * - `skipped`: nothing to compare with was given, or the receipt could not be read at all
 * - `unknown`: the signer's key is not among those trusted
 * - `simulated`: no real device did the work, or was there
 */
export type CheckVerdict = "passed" | "failed" | "skipped" | "unknown" | "simulated";

export interface Check {
  readonly name: CheckName;
  readonly verdict: CheckVerdict;
  /** What was found, in one sentence. */
  readonly detail: string;
}

/** What a passed check proves, and what it does not. */
export const MEANING: Readonly<Record<CheckName, { readonly proves: string; readonly not: string }>> = {
  form: {
    proves: "The file is one receipt in its only spelling.",
    not: "Nothing in it is true for that.",
  },
  file: {
    proves: "The result speaks of exactly this file.",
    not: "Whose image it is, or that it was right to use it.",
  },
  raster: {
    proves: "The result speaks of exactly these 224×224 pixels.",
    not: "That the model saw nothing else, or that the result is right.",
  },
  commitment: {
    proves: "The commitment is that of the result shown here, field by field.",
    not: "That the result was computed correctly.",
  },
  signature: {
    proves: "Who holds the key stated signed this result.",
    not: "Who that is: see signer.",
  },
  inclusion: {
    proves: "The result is one of the batch that was sealed.",
    not: "What else is in the batch, or that nothing was left out.",
  },
  "sealed-value": {
    proves: "The sealed value is that of this batch after the seal before.",
    not: "That the seal before exists: only the whole ledger shows that.",
  },
  "seal-signature": {
    proves: "Who holds the key stated signed the seal, its time, its device and its flags.",
    not: "That they are true: time, device and flags are the signer's word.",
  },
  appliance: {
    proves: "Result and seal name the same appliance.",
    not: "That such an appliance exists.",
  },
  "work-header": {
    proves: "Coinbase and branches lead to the header that was hashed.",
    not: "That it was hashed often: see work-difficulty.",
  },
  "work-commitment": {
    proves: "The sealed value was fixed before the work began.",
    not: "When that was.",
  },
  "work-difficulty": {
    proves: "About as many times 2^32 hashes as the seal states were tried, by someone.",
    not: "Which device tried them: a share does not tell.",
  },
  minimum: {
    proves: "The work is at least as much as the verifier asks for.",
    not: "Which device did it.",
  },
  "work-flag": {
    proves: "The seal does not call the work of a simulated device verified.",
    not: "That a device called real is one.",
  },
  signer: {
    proves: "The key is one that the verifier trusts.",
    not: "That its holder kept it to themselves.",
  },
  simulation: {
    proves: "By the signer's word no simulated device took part.",
    not: "That the signer's word is true.",
  },
};

/** DESIGN §6's exit codes: where several hold, the lowest that is not 0. */
export type Verdict =
  | { readonly verdict: "valid"; readonly exitCode: 0 }
  | { readonly verdict: "invalid"; readonly exitCode: 1 }
  | { readonly verdict: "signer-unknown"; readonly exitCode: 3 }
  | { readonly verdict: "simulated"; readonly exitCode: 4 };

export function verdictOf(checks: readonly Check[]): Verdict {
  const any = (verdict: CheckVerdict) => checks.some((check) => check.verdict === verdict);
  if (any("failed")) return { verdict: "invalid", exitCode: 1 };
  if (any("unknown")) return { verdict: "signer-unknown", exitCode: 3 };
  if (any("simulated")) return { verdict: "simulated", exitCode: 4 };
  return { verdict: "valid", exitCode: 0 };
}

/** A check that either holds or not. */
export function check(name: CheckName, holds: boolean, passed: string, failed: string): Check {
  return { name, verdict: holds ? "passed" : "failed", detail: holds ? passed : failed };
}
