/**
 * Compares the device's digests with the host's own, one image at a time, behind the results' backs.
 *
 * Every task ends in exactly one report: matched, mismatched, or why it was not checked.
 */
import { errorCode } from "../base/error.ts";
import type { Device } from "../device/device.ts";
import { compareDigests } from "./compare.ts";
import type { CheckTask } from "./ports.ts";

/** Codes of reports; those of a device that failed are the device room's. */
export const CHECK_ERRORS = {
  CHECK_QUEUE_FULL: "More images wait for the device than the limit allows: lower policy.deviceCheckFraction.",
  CHECK_STOPPED: "The appliance was stopping: send the image again if it must be checked.",
  DIGEST_MISMATCH: "The device computed a digest that differs from the host's: do not trust this device.",
} as const;
type CheckCode = keyof typeof CHECK_ERRORS | AbsenceCode;
/** Why there is no device to ask: codes of the device room. */
export type AbsenceCode = "DEVICE_ABSENT" | "DEVICE_DISTRUSTED";

/** Images whose digests wait for the device; each holds 50 kB. */
const QUEUE_MAX = 256;

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

/** How a device did, for whoever decides what becomes of it. */
export type Judgement =
  | { readonly kind: "right" }
  /** A wrong answer behind a right checksum. */
  | { readonly kind: "lied" }
  | { readonly kind: "failed"; readonly error: unknown };

export interface CheckerParts {
  /** One that can hash, or why there is none. */
  device(): Device | AbsenceCode;
  /** Called before the report. */
  judged(device: Device, judgement: Judgement): void;
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
    if (typeof device === "string") return this.#skip(task, device);
    const startedMs = this.#parts.monotonicMs();
    const counts = { checked: 0, mismatches: 0 };
    const finish = (outcome: CheckReport["outcome"], code: string | null, judgement?: Judgement) => {
      if (judgement !== undefined) this.#parts.judged(device, judgement);
      this.#parts.report({
        resultId: task.resultId,
        reference: task.reference,
        outcome,
        ...counts,
        code,
        device: { kind: device.kind === "software" ? "none" : device.kind, simulated: device.info.simulated },
        durationMs: Math.round(this.#parts.monotonicMs() - startedMs),
      });
    };
    let failure: { readonly error: unknown } | undefined;
    try {
      await compareDigests(device, task.samples, task.settings, counts);
    } catch (error) {
      failure = { error };
    }
    // A wrong digest stays proven, whatever the device did next.
    if (counts.mismatches > 0) finish("mismatched", "DIGEST_MISMATCH", { kind: "lied" });
    else if (failure === undefined) finish("matched", null, { kind: "right" });
    else if (this.#stopped) finish("not-checked", "CHECK_STOPPED");
    else finish("device-failed", errorCode(failure.error), { kind: "failed", error: failure.error });
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
