/**
 * Whether new work may come in: not where its result might find no room.
 *
 * Refused work is not lost: files stay in the inbox, whoever sent a command is told.
 */
import { statfsSync } from "node:fs";
import { codedErrors } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import type { ResultStore } from "../store/results.ts";
import { budgetOf } from "../store/retention.ts";

export const ADMISSION_ERRORS = {
  DISK_WATERMARK:
    "Free space on the disk that holds the data folder (store.diskFreeMinBytes says how much is to stay free): images wait in the inbox until then.",
  STORE_FULL:
    "What may be removed was removed and the store is still full: see why results wait for the broker or for their seals, or raise store.maxBytes; images wait in the inbox until then.",
} as const;

/** Undefined where it cannot be told. */
export function diskFreeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

export class AdmissionError extends codedErrors(ADMISSION_ERRORS) {}

export type RefusalCode = keyof typeof ADMISSION_ERRORS;

export interface AdmissionParts {
  readonly diskFreeMinBytes: number;
  readonly storeMaxBytes: number;
  /** Undefined where it cannot be told. */
  readonly diskFreeBytes: () => number | undefined;
  readonly storeUsedBytes: () => number;
  readonly monotonicMs: () => number;
}

/** Looking at the disk for every image would cost more than it tells. */
const LOOK_EVERY_MS = 1000;
const DISK_LOW_BYTES = 512 * 2 ** 20;
/** What was refused for is better by this much before work comes in again. */
const MARGIN = 0.1;

/** With less than this free somebody is told, while there is still time: work is refused only later. */
export function diskLowBytes(diskFreeMinBytes: number): number {
  return Math.max(DISK_LOW_BYTES, 2 * diskFreeMinBytes);
}

/** What is to be freed before work that was refused for the disk comes in again. @param freeBytes undefined where it cannot be told */
export function lackingBytes(freeBytes: number | undefined, diskFreeMinBytes: number): number {
  if (freeBytes === undefined || freeBytes >= diskFreeMinBytes) return 0;
  return Math.ceil(diskFreeMinBytes * (1 + MARGIN)) - freeBytes;
}

export class Admission {
  readonly #parts: AdmissionParts;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #refusal: RefusalCode | null = null;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Why no new work comes in now; null where it does. */
  refusal(): RefusalCode | null {
    const nowMs = this.#parts.monotonicMs();
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return this.#refusal;
    this.#lookedMs = nowMs;
    this.#refusal = this.#look(this.#refusal);
    return this.#refusal;
  }

  /** @throws AdmissionError */
  expect(): void {
    const code = this.refusal();
    if (code === null) return;
    const { diskFreeMinBytes, storeMaxBytes } = this.#parts;
    const [what, limit] =
      code === "STORE_FULL" ? ["the store holds", storeMaxBytes] : ["the disk is to keep", diskFreeMinBytes];
    throw new AdmissionError(code, `${what} ${limit} bytes`);
  }

  #look(before: RefusalCode | null): RefusalCode | null {
    const { diskFreeMinBytes, diskFreeBytes, storeMaxBytes, storeUsedBytes } = this.#parts;
    const least = diskFreeMinBytes * (before === "DISK_WATERMARK" ? 1 + MARGIN : 1);
    if ((diskFreeBytes() ?? Number.POSITIVE_INFINITY) < least) return "DISK_WATERMARK";
    const most = budgetOf(storeMaxBytes) * (before === "STORE_FULL" ? 1 - MARGIN : 1);
    return storeUsedBytes() > most ? "STORE_FULL" : null;
  }
}

export function makeAdmission({ dataDir, store }: Config, { read }: Pick<ResultStore, "read">): Admission {
  return new Admission({
    diskFreeMinBytes: store.diskFreeMinBytes,
    storeMaxBytes: store.maxBytes,
    diskFreeBytes: () => diskFreeBytes(dataDir),
    storeUsedBytes: () => read.usage().usedBytes,
    monotonicMs: () => performance.now(),
  });
}
