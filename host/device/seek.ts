/** Searching a work proof of a commitment, whatever the device is given for it: a Stratum job or a ready header. */
import type { WorkProof } from "../work/proof.ts";
import { verifyProof } from "../work/proof.ts";
import { targetOfDifficulty } from "../work/target.ts";
import { proofOfFound, workTemplate } from "../work/template.ts";
import type { Device } from "./device.ts";
import { DeviceError } from "./errors.ts";

export type SeekOutcome =
  | {
      readonly kind: "found";
      readonly proof: WorkProof;
      readonly elapsedMs: number;
    }
  /** `failed`: the device gave up by itself. */
  | { readonly kind: "expired" | "stopped" | "failed" };

export interface SeekJob {
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** What the proof must meet. */
  readonly difficulty: number;
  /** 1…3,600,000. */
  readonly deadlineMs: number;
}

export interface SeekTools {
  /** The time of day, in ms since 1970. */
  readonly utcMs: () => number;
  /** Random bytes: each search has a space of its own. */
  readonly random: (count: number) => Uint8Array;
}

/**
 * One search by a device with WORK. Every proof that is returned has been verified here.
 *
 * @throws DeviceError; DEVICE_WORK_FALSE for a find that does not verify
 */
export async function seekByWork(
  device: Pick<Device, "info" | "work">,
  { commitment, difficulty, deadlineMs }: SeekJob,
  { utcMs, random }: SeekTools,
  options: { readonly signal?: AbortSignal } = {},
): Promise<SeekOutcome> {
  const template = workTemplate({ commitment, ntime: Math.floor(utcMs() / 1000), extranonce: random(8) });
  const { header, versionMask } = template;
  const target = targetOfDifficulty(difficulty);
  const outcome = await device.work({ header, target, versionMask, deadlineMs }, options);
  switch (outcome.kind) {
    case "found": {
      const proof = proofOfFound(template, outcome);
      const verdict = verifyProof(proof, commitment, target);
      if (!verdict.ok) throw new DeviceError("DEVICE_WORK_FALSE", `${device.info.id}: ${verdict.detail}`);
      return { kind: "found", proof, elapsedMs: outcome.elapsedMs };
    }
    // Every nonce of every version was tried: another extranonce opens a fresh space.
    case "exhausted":
      return { kind: "expired" };
    default:
      return { kind: outcome.kind };
  }
}
