/**
 * Whether what a device answered in a recording is true: every digest is computed again from what the host sent, every
 * work proof is tried against its target. So a recording says "a device gave this true answer", and not only that
 * bytes are the same bytes.
 */
import type { Recording } from "./format.ts";
import { unaskedAnswers } from "./gating.ts";
import { expectSameDevice } from "./same-device.ts";
import { expectStructure } from "./structure.ts";
import { verifyStratum } from "./verify-stratum.ts";
import { verifyUsb } from "./verify-usb.ts";

export interface Verified {
  /** Digests and roots that are right. */
  readonly digests: number;
  /** Work proofs that are right. */
  readonly proofs: number;
  /** What is not true, in words. */
  readonly wrong: readonly string[];
  /** Answers to what the recording does not hold whole. */
  readonly unchecked: number;
}

/** What is found while a recording is gone through. */
export class Findings {
  digests = 0;
  proofs = 0;
  readonly wrong: string[] = [];
  unchecked = 0;

  digest(right: boolean, atUs: number, what: string): void {
    if (right) this.digests += 1;
    else this.#untrue(atUs, what);
  }

  proof(right: boolean, atUs: number, what: string): void {
    if (right) this.proofs += 1;
    else this.#untrue(atUs, what);
  }

  unasked(atUs: number, what: string): void {
    this.#untrue(atUs, `${what} answers nothing that was asked`);
  }

  #untrue(atUs: number, what: string): void {
    this.wrong.push(`at ${atUs} µs ${what}`);
  }
}

/**
 * @throws RecordingError RECORDING_OTHER where its device is not the one that its header names; RECORDING_FORM,
 *   RECORDING_EMPTY, RECORDING_EDITED where its events cannot have come about
 */
export function verifyRecording(recording: Recording): Verified {
  expectStructure(recording);
  expectSameDevice(recording);
  const findings = new Findings();
  for (const { atUs, what } of unaskedAnswers(recording)) findings.unasked(atUs, what);
  if (recording.header.transport === "usb") verifyUsb(recording.events, findings);
  else verifyStratum(recording.events, findings);
  const { digests, proofs, wrong, unchecked } = findings;
  return { digests, proofs, wrong, unchecked };
}
