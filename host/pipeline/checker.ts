/**
 * Compares the device's digests with the host's own, one image at a time, behind the results' backs.
 *
 * Every task ends in exactly one report: matched, mismatched, or why it was not checked.
 */
import { blockDigests } from "../attention/attention.ts";
import { blocksOf } from "../attention/blocks.ts";
import { errorCode } from "../base/error.ts";
import type { Device } from "../device/device.ts";
import { verifyDigests } from "../device/digest.ts";
import { SHA256_BYTES } from "../work/sha256.ts";
import type { CheckTask } from "./ports.ts";

/** Codes of reports; those of a device that failed are the device room's. */
export const CHECK_ERRORS = {
  CHECK_QUEUE_FULL: "More images wait for the device than the limit allows: lower policy.deviceCheckFraction.",
  CHECK_STOPPED: "The appliance was stopping: send the image again if it must be checked.",
  DIGEST_MISMATCH: "The device computed a digest that differs from the host's: do not trust this device.",
} as const;
type CheckCode = keyof typeof CHECK_ERRORS | "DEVICE_ABSENT";

/** Images whose digests wait for the device; each holds 50 kB. */
const QUEUE_MAX = 256;
/** One scale of one image: 3,136 blocks take about 60 s on the slowest line, 115,200 baud. */
const DEADLINE_MS = 300_000;

export interface CheckReport {
  readonly resultId: string;
  readonly reference: string | null;
  readonly outcome: "matched" | "mismatched" | "device-failed" | "not-checked";
  readonly checked: number;
  readonly mismatches: number;
  /** Why it failed or was not checked. */
  readonly code: string | null;
  readonly device: { readonly kind: "usb" | "stratum" | "none"; readonly simulated: boolean };
  readonly durationMs: number;
}

export interface CheckerParts {
  /** One that can hash, when there is one. */
  device(): Device | undefined;
  report(report: CheckReport): void;
  monotonicMs(): number;
}

export class DigestChecker {
  readonly #parts: CheckerParts;
  readonly #queue: CheckTask[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: CheckerParts) {
    this.#parts = parts;
  }

  get queued(): number {
    return this.#queue.length;
  }

  add(task: CheckTask): void {
    if (this.#stopped) {
      this.#skip(task, "CHECK_STOPPED");
    } else if (this.#queue.length >= QUEUE_MAX) {
      this.#skip(task, "CHECK_QUEUE_FULL");
    } else {
      this.#queue.push(task);
      this.#running ??= this.#drain();
    }
  }

  /** Reports what waits as not checked; the check in progress follows when the device is closed. */
  stop(): void {
    this.#stopped = true;
    for (const task of this.#queue.splice(0)) this.#skip(task, "CHECK_STOPPED");
  }

  async #drain(): Promise<void> {
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) await this.#check(task);
    this.#running = undefined;
  }

  async #check(task: CheckTask): Promise<void> {
    const device = this.#parts.device();
    if (device === undefined) return this.#skip(task, "DEVICE_ABSENT");
    const startedMs = this.#parts.monotonicMs();
    const counts = { checked: 0, mismatches: 0 };
    const finish = (outcome: CheckReport["outcome"], code: string | null) =>
      this.#parts.report({
        resultId: task.resultId,
        reference: task.reference,
        outcome,
        ...counts,
        code,
        device: { kind: device.kind === "software" ? "none" : device.kind, simulated: device.info.simulated },
        durationMs: Math.round(this.#parts.monotonicMs() - startedMs),
      });
    try {
      for (const { block } of task.settings.scales) {
        const own = await blockDigests(task.samples, block);
        const blocks = blocksOf(task.samples, block);
        const expected = blocks.map((_, index) => own.subarray(index * SHA256_BYTES, (index + 1) * SHA256_BYTES));
        const { checked, mismatches } = await verifyDigests(device, blocks, expected, { deadlineMs: DEADLINE_MS });
        counts.checked += checked;
        counts.mismatches += mismatches.length;
      }
      finish(counts.mismatches === 0 ? "matched" : "mismatched", counts.mismatches === 0 ? null : "DIGEST_MISMATCH");
    } catch (error) {
      // A wrong digest stays proven, whatever the device did next.
      if (counts.mismatches > 0) finish("mismatched", "DIGEST_MISMATCH");
      else if (this.#stopped) finish("not-checked", "CHECK_STOPPED");
      else finish("device-failed", errorCode(error));
    }
  }

  #skip(task: CheckTask, code: CheckCode): void {
    this.#parts.report({
      resultId: task.resultId,
      reference: task.reference,
      outcome: "not-checked",
      checked: 0,
      mismatches: 0,
      code,
      device: { kind: "none", simulated: false },
      durationMs: 0,
    });
  }
}
