/** What a model's folder says that the model answers the known picture: `known-answer.json`, which may be missing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Model } from "../pipeline/ports.ts";

export const KNOWN_ANSWER_FILE = "known-answer.json";

const schema = z.strictObject({
  schema: z.literal("lv06/known-answer/1"),
  /** SHA-256 of the manifest.json that it belongs to. */
  manifest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Precision variant → logit. */
  logits: z.record(z.string(), z.number()),
});

export type KnownLogits = z.infer<typeof schema>;

/** Undefined where the folder says nothing of this very model and variant. */
export function knownLogit(folder: string, { digest, precision }: Pick<Model, "digest" | "precision">) {
  try {
    const known = schema.parse(JSON.parse(readFileSync(join(folder, KNOWN_ANSWER_FILE), "utf8")));
    return known.manifest === digest ? known.logits[precision] : undefined;
  } catch {
    return undefined;
  }
}
