/** What ingest hands to the pipeline, whatever door it came in by. */

export const MODES = ["inference", "validation", "training"] as const;
export type Mode = (typeof MODES)[number];

/**
 * What came with an image, in DICOM's words; absent where nothing was said. It is compared with the population that
 * the model is for, and goes no further: neither stored nor published.
 */
export interface Stated {
  readonly ageYears?: number | undefined;
  /** View Position: `AP`, `PA`, `LL`, … */
  readonly view?: string | undefined;
  /** `CR`, `DX`, `CT`, … */
  readonly modality?: string | undefined;
  /** Body Part Examined: `CHEST`, … */
  readonly bodyPart?: string | undefined;
}

export interface ImageRequest {
  /** Unique; becomes the result's id. */
  readonly id: string;
  /** The file as it was received. */
  readonly bytes: Uint8Array;
  /** The caller's own name for it: goes in and comes back out unchanged. */
  readonly reference: string | null;
  readonly mode: Mode;
  readonly stated: Stated;
  /** Id of the result that this one is to stand in for. */
  readonly replaces?: string | undefined;
}
