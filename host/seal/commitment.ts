/** What of a result is bound for ever: 32 bytes over a flat object, the same in every language (DESIGN §6). */
import { z } from "zod";
import { taggedSha256 } from "../work/sha256.ts";
import { canonicalBytes } from "./canonical.ts";
import { SealError } from "./error.ts";
import { count, digest, firstIssue, name } from "./fields.ts";

const REASONS_MAX = 64;
const code = z.string().regex(/^[A-Z0-9_]{1,64}$/);
/** 0.0000 to 1.0000, always with four decimals. */
const fraction = z.string().regex(/^(?:0\.[0-9]{4}|1\.0000)$/);

/** The bound fields; exactly these, spelt exactly so. */
export const boundResultSchema = z.strictObject({
  resultId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  sequence: count.min(1),
  utcMs: count,
  appliance: name,
  fileDigest: digest,
  rasterDigest: digest,
  attentionVersion: name,
  attentionDigest: digest.nullable(),
  modelDigest: digest,
  precision: name,
  pattern: z.enum(["A", "B", "C", "none"]),
  label: name.nullable(),
  decision: z.enum(["positive", "negative"]).nullable(),
  probability: fraction.nullable(),
  threshold: fraction.nullable(),
  assessed: z.boolean(),
  /** Sorted by code unit. */
  reasons: z
    .array(code)
    .max(REASONS_MAX)
    .refine((reasons) => reasons.every((reason, i) => i === 0 || (reasons[i - 1] ?? "") <= reason), {
      error: "not sorted",
    }),
  simulated: z.boolean(),
});

export type BoundResult = z.infer<typeof boundResultSchema>;

/** Of Result data, what is bound. */
export interface ResultToBind {
  readonly resultId: string;
  readonly sequence: number;
  readonly appliance: string;
  readonly time: { readonly utcMs: number };
  readonly input: { readonly fileDigest: string; readonly rasterDigest: string };
  readonly attention: { readonly version: string; readonly digest: string | null };
  readonly model: { readonly digest: string; readonly precision: string; readonly pattern: string };
  readonly label: string | null;
  readonly decision: string | null;
  /** 0…1, rounded to four decimals, as is `threshold`. */
  readonly probability: number | null;
  readonly threshold: number | null;
  readonly assessed: boolean;
  readonly reasons: readonly string[];
  readonly device: { readonly simulated: boolean };
}

/** A value that is not what four decimals say is refused: the text would bind another number than was published. */
function fourDecimals(what: string, value: number | null): string | null {
  if (value === null) return null;
  const text = value.toFixed(4);
  if (Number(text) !== value) throw new SealError("SEAL_RESULT", `${what} ${value} has more than four decimals`);
  return text;
}

/** @throws SealError SEAL_RESULT, naming the first field that cannot be bound */
export function boundResult(result: ResultToBind): BoundResult {
  const bound = boundResultSchema.safeParse({
    resultId: result.resultId,
    sequence: result.sequence,
    utcMs: result.time.utcMs,
    appliance: result.appliance,
    fileDigest: result.input.fileDigest,
    rasterDigest: result.input.rasterDigest,
    attentionVersion: result.attention.version,
    attentionDigest: result.attention.digest,
    modelDigest: result.model.digest,
    precision: result.model.precision,
    pattern: result.model.pattern,
    label: result.label,
    decision: result.decision,
    probability: fourDecimals("probability", result.probability),
    threshold: fourDecimals("threshold", result.threshold),
    assessed: result.assessed,
    reasons: [...result.reasons].sort(),
    simulated: result.device.simulated,
  });
  if (!bound.success) throw new SealError("SEAL_RESULT", firstIssue(bound.error));
  return bound.data;
}

/** The commitment, 32 bytes. @param result of `boundResult` or checked with `boundResultSchema` */
export function commitmentOf(result: BoundResult): Buffer {
  return taggedSha256("lv06/commitment/1", canonicalBytes(result));
}
