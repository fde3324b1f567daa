/** What passes between the engine and its child process. */
import type { PinnedFile } from "./files.ts";

/** Attention levels, one a grid of the manifest, float32 grid² row-major. */
export type Pyramid = readonly Float32Array[];

export interface PartSettings {
  /** Of the ONNX file. */
  readonly path: string;
  /** Inputs that take the attention levels, in the order of `grids`; none when this part takes none. */
  readonly levels: readonly string[];
}

/** `process.argv[2]` of the child, as JSON. */
export interface ChildSettings {
  /** Checked at every start: what is served is what the manifest names, whatever happened to the folder meanwhile. */
  readonly files: readonly PinnedFile[];
  readonly backbone: PartSettings;
  readonly head: PartSettings;
  /** float32 values of the backbone's `features`, and its shape. */
  readonly featureShape: readonly number[];
  /** Cells along a side, one an attention level. */
  readonly grids: readonly number[];
  readonly threads: number;
  /** Whether idle runtime threads spin: more images a second, at a whole core while idle. */
  readonly spinning: boolean;
  readonly precision: string;
  /** Images whose features wait for their attention; the oldest makes way. */
  readonly heldMax: number;
}

/**
 * `features` starts the backbone, `classify` runs the head and ends the image, `drop` forgets it. The attention levels
 * go with the one whose part takes them; the other's are empty.
 */
export type InferenceRequest =
  | { readonly kind: "describe" }
  | { readonly kind: "features"; readonly image: number; readonly samples: Uint8Array; readonly levels: Pyramid }
  | { readonly kind: "classify"; readonly image: number; readonly levels: Pyramid }
  | { readonly kind: "drop"; readonly image: number };

export type InferenceReply =
  | { readonly kind: "fingerprint"; readonly fingerprint: string }
  | { readonly kind: "done" }
  | { readonly kind: "logit"; readonly logit: number; readonly featuresMs: number; readonly headMs: number };
