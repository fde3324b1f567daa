/** What ingest hands to the pipeline, whatever door it came in by. */

export const MODES = ["inference", "validation", "training"] as const;
export type Mode = (typeof MODES)[number];

export interface ImageRequest {
  /** Unique; becomes the result's id. */
  readonly id: string;
  /** The file as it was received. */
  readonly bytes: Uint8Array;
  /** The caller's own name for it: goes in and comes back out unchanged. */
  readonly reference: string | null;
  readonly mode: Mode;
}
