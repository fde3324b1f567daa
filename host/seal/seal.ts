/** A seal: one batch, the work that was done over it, and the appliance's signature over both (DESIGN §6). */
import { z } from "zod";
import { errorMessage } from "../base/error.ts";
import { decodeProof, encodeProof, verifyProof, type WorkProof } from "../work/proof.ts";
import { targetOfDifficulty } from "../work/target.ts";
import { canonicalBytes, canonicalText } from "./canonical.ts";
import { DIFFICULTY_TEXT, difficultyText, expectMinimum } from "./difficulty.ts";
import { SealError } from "./error.ts";
import { BATCH_MAX, count, digest, firstIssue, fromHex, intendedUse, name, signatureHex, toHex } from "./fields.ts";
import { type Batch, sealedValue } from "./sealed-value.ts";
import type { SigningKey } from "./signing-key.ts";
import { parseStrict } from "./strict-json.ts";

/** What a stock LV06 reports: weaker work is never called verified by default. */
export const DEFAULT_MIN_DIFFICULTY = 256;
export const SEAL_MAX_BYTES = 8192;

const hex = (maxBytes: number) =>
  z
    .string()
    .regex(/^(?:[0-9a-f]{2})+$/)
    .max(2 * maxBytes);

export const sealSchema = z.strictObject({
  format: z.literal("lv06/seal/1"),
  appliance: name,
  utcMs: count,
  /** D. */
  sealedValue: digest,
  root: digest,
  size: z.int().min(1).max(BATCH_MAX),
  /** D of the seal before; zeros for the first. */
  previous: digest,
  workProof: z.strictObject({
    header: z.string().regex(/^[0-9a-f]{160}$/),
    coinbase: hex(1024),
    branches: z.array(digest).max(32),
  }),
  device: z.strictObject({ kind: z.enum(["usb", "stratum"]), simulated: z.boolean(), name }),
  /** What was asked of the device, and what the work meets at least; text, so that fractions are exact. */
  difficulty: z
    .string()
    .regex(DIFFICULTY_TEXT)
    .refine((text) => text !== "0", { error: "zero" }),
  workVerified: z.boolean(),
  /** Of the key that signed this and the batch's results. */
  publicKey: digest,
  intendedUse,
  /** Ed25519 over the canonical form of all other fields. */
  signature: signatureHex,
});

export type Seal = z.infer<typeof sealSchema>;
export type UnsignedSeal = Omit<Seal, "signature">;

export interface SealRequest {
  readonly batch: Batch;
  readonly proof: WorkProof;
  readonly device: Seal["device"];
  /** What the share was asked for, 2^-32…2^53. */
  readonly difficulty: number;
  /** From which difficulty on a real device's work counts as verified; default 256. */
  readonly minDifficulty?: number;
  readonly utcMs: number;
  readonly appliance: string;
}

/** What the signature is over. */
export function signedBytes(seal: UnsignedSeal | Seal): Buffer {
  const { signature: _, ...signed } = { signature: "", ...seal };
  return canonicalBytes(signed);
}

/** Signs whatever it is given; `makeSeal` is what checks. */
export function signSeal(unsigned: UnsignedSeal, key: SigningKey): Seal {
  return { ...unsigned, signature: toHex(key.sign(signedBytes(unsigned))) };
}

function expectWork(proof: WorkProof, value: Uint8Array, difficulty: string): void {
  const verdict = verifyProof(proof, value, targetOfDifficulty(Number(difficulty)));
  if (!verdict.ok) throw new SealError("SEAL_WORK", verdict.detail);
  if (verdict.place.kind === "script") return;
  throw new SealError(
    "SEAL_WORK",
    `the sealed value sits at place ${verdict.place.kind}, not in the coinbase's script`,
  );
}

/**
 * The seal of a batch, after its work proof was verified here.
 *
 * `workVerified` is true only where at least `minDifficulty` was asked of a device that is not simulated: a hash that is
 * better than asked for by luck proves no more work.
 *
 * @throws SealError SEAL_WORK where the proof is not good; SEAL_DIFFICULTY, SEAL_LENGTH, SEAL_BATCH; SEAL_MESSAGE
 */
export function makeSeal(request: SealRequest, key: SigningKey): Seal {
  const { batch, proof, device, minDifficulty = DEFAULT_MIN_DIFFICULTY, utcMs, appliance } = request;
  expectMinimum(minDifficulty);
  const difficulty = difficultyText(request.difficulty);
  const value = sealedValue(batch);
  expectWork(proof, value, difficulty);
  const { branches, ...hashed } = encodeProof(proof);
  const unsigned: UnsignedSeal = {
    format: "lv06/seal/1",
    appliance,
    utcMs,
    sealedValue: toHex(value),
    root: toHex(batch.root),
    size: batch.size,
    previous: toHex(batch.previous),
    workProof: { ...hashed, branches: [...branches] },
    device: { ...device },
    difficulty,
    workVerified: !device.simulated && request.difficulty >= minDifficulty,
    publicKey: toHex(key.publicKey),
    intendedUse: "research-only",
  };
  return checkedSeal(signSeal(unsigned, key));
}

/** @throws SealError SEAL_MESSAGE unless the value has the shape of a seal; what it says is not checked */
export function checkedSeal(value: unknown): Seal {
  const seal = sealSchema.safeParse(value);
  if (!seal.success) throw new SealError("SEAL_MESSAGE", firstIssue(seal.error));
  return seal.data;
}

/** Canonical text, as the store keeps it. */
export function encodeSeal(seal: Seal): string {
  return canonicalText(seal);
}

/** @throws SealError SEAL_MESSAGE unless the text is exactly what `encodeSeal` gives */
export function decodeSeal(text: string | Uint8Array): Seal {
  try {
    return parseStrict(text, SEAL_MAX_BYTES, sealSchema);
  } catch (cause) {
    throw new SealError("SEAL_MESSAGE", errorMessage(cause), { cause });
  }
}

/** The work proof's bytes. */
export function proofOf(seal: Seal): WorkProof {
  return decodeProof(seal.workProof);
}

/** The batch that the seal speaks of. */
export function batchOf({ root, size, previous }: Seal): Batch {
  return { root: fromHex(root), size, previous: fromHex(previous) };
}
