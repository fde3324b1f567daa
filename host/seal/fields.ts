/** Fields that results, seals and receipts share, as schemas for input that nobody vouches for. */
import { z } from "zod";
import { SealError } from "./error.ts";

/** One work proof seals at most as many results. */
export const BATCH_MAX = 1024;
/** Levels of a tree of `BATCH_MAX` leaves. */
export const PATH_MAX = 10;
export const DIGEST_BYTES = 32;
export const SIGNATURE_BYTES = 64;

export const digest = z.string().regex(/^[0-9a-f]{64}$/);
export const signatureHex = z.string().regex(/^[0-9a-f]{128}$/);
/** 1 to 64 code points of Unicode. */
export const name = z
  .string()
  .min(1)
  .max(64)
  .refine((text) => text.isWellFormed(), { error: "half a surrogate pair" });
/** Whole, 0 to 2^53 - 1. */
export const count = z.int().min(0);
export const intendedUse = z.literal("research-only");

/** Bytes of a field that a schema has found to be hex. */
export function fromHex(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** @throws SealError SEAL_LENGTH unless `bytes` has 32 bytes */
export function expectDigest(what: string, bytes: Uint8Array): void {
  if (bytes.length !== DIGEST_BYTES) throw new SealError("SEAL_LENGTH", `${what} has ${bytes.length} bytes, not 32`);
}

/** The first thing that a schema finds wrong, in one line. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return "it is of another shape";
  return `${issue.path.length === 0 ? "it" : issue.path.join(".")}: ${issue.message}`;
}
