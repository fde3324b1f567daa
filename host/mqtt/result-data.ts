/** The data of a result message (DESIGN §6, "Result data"). */
import { z } from "zod";
import { code, deviceKind, digest, id, intendedUse, name, reference, utcMs } from "./fields.ts";

/** Four decimals: what the commitment binds is what is published. */
const probability = z
  .number()
  .min(0)
  .max(1)
  .refine((value) => value === roundTo4(value), { error: "more than 4 decimals" });

/** Rounds a probability or threshold to the 4 decimals that leave the appliance. */
export function roundTo4(value: number): number {
  return Number(value.toFixed(4));
}

export const model = z.strictObject({
  name,
  version: name,
  digest,
  pattern: z.enum(["A", "B", "C", "none"]),
  precision: name,
});

export const resultSchema = z.strictObject({
  resultId: id,
  /** 1, 2, 3 … per appliance: a gap is a result that was missed. */
  sequence: z.int().min(1),
  reference,
  /** `corrected` and `entered-in-error`: results of their own, which stand in for the one that `replaces` names. */
  status: z.enum(["preliminary", "corrected", "entered-in-error"]),
  /** Id of the result that this one stands in for. */
  replaces: id.nullable(),
  assessed: z.boolean(),
  /** Why it was not assessed, sorted. */
  reasons: z.array(code),
  /** The class that `probability` speaks of. */
  label: name.nullable(),
  probability: probability.nullable(),
  threshold: probability.nullable(),
  decision: z.enum(["positive", "negative"]).nullable(),
  model,
  input: z.strictObject({ fileDigest: digest, rasterDigest: digest, rasterVersion: name }),
  attention: z.strictObject({
    version: name,
    scales: z.array(z.int().min(1).max(224)),
    digest: digest.nullable(),
    source: z.enum(["software", "cache", "none"]),
  }),
  /** The device present when the result was made; `checked` is always false, a check arrives later as an event. */
  device: z.strictObject({ kind: deviceKind, simulated: z.boolean(), checked: z.literal(false) }),
  cached: z.boolean(),
  timingMs: z.record(name, z.number().min(0)),
  seal: z.enum(["pending", "none"]),
  appliance: name,
  time: z.strictObject({ utcMs, synced: z.boolean().nullable() }),
  intendedUse,
});
