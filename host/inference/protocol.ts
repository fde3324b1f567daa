/** What passes between the engine and its child process. */
import type { PinnedFile } from "./manifest.ts";

/** `process.argv[2]` of the child, as JSON. */
export interface ChildSettings {
  /** Checked at every start: what is served is what the manifest names, whatever happened to the folder meanwhile. */
  readonly files: readonly PinnedFile[];
  readonly backbone: string;
  readonly head: string;
  /** float32 values of the backbone's `features`, and its shape. */
  readonly featureShape: readonly number[];
  /** Cells along a side of the attention. */
  readonly grid: number;
  readonly threads: number;
  /** Whether idle runtime threads spin: more images a second, at a whole core while idle. */
  readonly spinning: boolean;
  readonly precision: string;
  /** Images whose features wait for their attention; the oldest makes way. */
  readonly heldMax: number;
}

/** `features` starts the backbone, `classify` fuses with the attention and ends the image, `drop` forgets it. */
export type InferenceRequest =
  | { readonly kind: "describe" }
  | { readonly kind: "features"; readonly image: number; readonly samples: Uint8Array }
  | { readonly kind: "classify"; readonly image: number; readonly attention: Float32Array }
  | { readonly kind: "drop"; readonly image: number };

export type InferenceReply =
  | { readonly kind: "fingerprint"; readonly fingerprint: string }
  | { readonly kind: "done" }
  | { readonly kind: "logit"; readonly logit: number; readonly featuresMs: number; readonly headMs: number };
