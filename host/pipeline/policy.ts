/**
 * When the device takes part (DESIGN §5.4, after the whitepaper's 5.4 and 8.2). Pure.
 *
 * The device never makes a digest that a result waits for: the software's digests are used and, where the policy
 * says so, the device's are compared with them afterwards.
 */
import type { Mode } from "./request.ts";

export type DeviceCheck =
  /** The device computes the digests of every scale the model uses. */
  | { readonly kind: "check" }
  | { readonly kind: "none"; readonly reason: "mode" | "no-attention" | "cached" | "sampled-out" | "no-device" };

export interface PolicyInput {
  readonly mode: Mode;
  /** The model takes attention: without it there are no digests to compare. */
  readonly usesAttention: boolean;
  /** The result came from the cache. */
  readonly cached: boolean;
  /** A device that can hash is connected. */
  readonly canHash: boolean;
  /** Part of validation images that are checked, 0 to 1. */
  readonly fraction: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/** Training images are looked at and forgotten: no sequence number, no message, no seal. */
export function isRecorded(mode: Mode): boolean {
  switch (mode) {
    case "training":
      return false;
    case "inference":
    case "validation":
      return true;
  }
}

/** Whether the device checks this image's digests, in the order of DESIGN §5.4. */
export function deviceCheck(input: PolicyInput): DeviceCheck {
  if (input.mode !== "validation") return { kind: "none", reason: "mode" };
  if (!input.usesAttention) return { kind: "none", reason: "no-attention" };
  if (input.cached) return { kind: "none", reason: "cached" };
  if (input.random >= input.fraction) return { kind: "none", reason: "sampled-out" };
  if (!input.canHash) return { kind: "none", reason: "no-device" };
  return { kind: "check" };
}
