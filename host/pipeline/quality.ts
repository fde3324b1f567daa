/**
 * Reasons not to assess an image, judged from its raster alone: what is no upright frontal chest film gets no
 * probability. What it turns away and lets pass is measured in models/evidence/gate.md. Pure.
 */
import { qualityFeatures } from "./quality-features.ts";
import { judge, type RuleReason } from "./quality-rules.ts";
import { TABLE } from "./quality-table.ts";

/**
 * Grey levels between the 1st and the 99th percentile under which a film shows nothing. 12-bit data stored in 16 bits
 * without scaling fall below it too: they fill a sixteenth of the range.
 */
const CONTRAST_MIN = 24;

/** Changes with the rules below: what was judged by others is judged anew. */
export const QUALITY_VERSION = "quality-v2";

export type Reason = RuleReason;

/**
 * Without contrast nothing else can be said: the other rules see an image's contrast as given.
 *
 * @returns the reasons, sorted; none when the image may be assessed
 */
export function reasonsNotToAssess(samples: Uint8Array): readonly Reason[] {
  if (spread(samples) < CONTRAST_MIN) return ["LOW_CONTRAST"];
  const { reason } = judge(qualityFeatures(samples), TABLE);
  return reason === null ? [] : [reason];
}

/** Distance between the 1st and the 99th percentile: a border or a marker does not make a film. */
function spread(samples: Uint8Array): number {
  const histogram = new Uint32Array(256);
  for (const sample of samples) histogram[sample] = (histogram[sample] ?? 0) + 1;
  const tail = samples.length / 100;
  const firstBeyondTail = (levels: readonly number[]) => {
    let seen = 0;
    return levels.find((level) => {
      seen += histogram[level] ?? 0;
      return seen > tail;
    });
  };
  const levels = Array.from(histogram.keys());
  return (firstBeyondTail(levels.toReversed()) ?? 0) - (firstBeyondTail(levels) ?? 0);
}
