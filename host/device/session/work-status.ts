/** The search as a device tells it, and the host's own check of what was found (SPEC.md §5.6). Pure. */
import { HEADER_AT, HEADER_BYTES, rollVersion, sha256d, withinMask } from "../../work/header.ts";
import { meetsTarget } from "../../work/target.ts";
import type { WorkJob, WorkOutcome, WorkProgress } from "../device.ts";
import { DeviceError } from "../errors.ts";
import { parsePairs } from "./pairs.ts";

export const WORK_STATES = ["running", "found", "expired", "exhausted", "stopped", "failed"] as const;
export type WorkState = (typeof WORK_STATES)[number];

export interface WorkStatus extends WorkProgress {
  readonly id: string;
  readonly state: WorkState;
  /** With `found` only. */
  readonly found?: { readonly nonce: number; readonly version: number; readonly mac?: Uint8Array };
}

/** The words after the boot id; undefined if they make no sense. */
export function parseWork(args: readonly string[]): WorkStatus | undefined {
  const [id = "", word, ...rest] = args;
  const pairs = parsePairs(rest);
  const state = WORK_STATES.find((known) => known === word);
  const elapsedMs = decimal(pairs.get("elapsedMs"), 9);
  const hashes = decimal(pairs.get("hashes"), 20);
  const errors = decimal(pairs.get("errors") ?? "0", 9);
  if (!/^[0-9a-f]{8}$/.test(id) || state === undefined) return undefined;
  if (elapsedMs === undefined || hashes === undefined || errors === undefined) return undefined;
  const progress = { id, state, elapsedMs: Number(elapsedMs), hashes, errors: Number(errors) };
  if (state !== "found") return progress;
  const nonce = hexWord(pairs.get("nonce"), 8);
  const version = hexWord(pairs.get("version"), 8);
  const mac = hexWord(pairs.get("mac"), 64);
  if (nonce === undefined || version === undefined || (pairs.has("mac") && mac === undefined)) return undefined;
  const found = { nonce: nonce.readUInt32BE(), version: version.readUInt32BE() };
  return { ...progress, found: mac === undefined ? found : { ...found, mac } };
}

/** The header that a device says it found. @param job's header is 80 bytes */
export function foundHeader(header: Uint8Array, nonce: number, version: number): Buffer {
  const copy = Buffer.from(header);
  copy.writeUInt32LE(version, HEADER_AT.version);
  copy.writeUInt32LE(nonce, HEADER_AT.nonce);
  return copy;
}

/**
 * How a search ended, its nonce verified.
 *
 * @param status of a search that runs no more
 * @throws DeviceError DEVICE_WORK_FALSE if the nonce does not meet the target, or other bits of the version changed
 */
export function workOutcome(job: WorkJob, { id, state, found, ...progress }: WorkStatus): WorkOutcome {
  if (state === "running") throw new RangeError(`search ${id} has not ended`);
  if (state !== "found") return { kind: state, ...progress };
  if (found === undefined) throw new RangeError(`search ${id} has no nonce`);
  const before = Buffer.from(job.header).readUInt32LE(HEADER_AT.version);
  const bits = rollVersion(before, found.version);
  if (!withinMask(bits, job.versionMask)) {
    throw new DeviceError(
      "DEVICE_WORK_FALSE",
      `version bits ${hex8(bits)} changed, of ${hex8(job.versionMask)} allowed`,
    );
  }
  if (!meetsTarget(sha256d(foundHeader(job.header, found.nonce, found.version)), job.target)) {
    throw new DeviceError("DEVICE_WORK_FALSE", `nonce ${hex8(found.nonce)} does not meet the target`);
  }
  return { kind: "found", ...progress, ...found };
}

/** @throws RangeError for a job that breaks the grammar: a defect of the caller */
export function checkJob({ header, target, versionMask, deadlineMs }: WorkJob): void {
  if (header.length !== HEADER_BYTES) throw new RangeError(`a header of ${header.length} bytes`);
  if (target.length !== 32) throw new RangeError(`a target of ${target.length} bytes`);
  if (versionMask >>> 0 !== versionMask) throw new RangeError(`version mask ${versionMask}`);
  if (!Number.isInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > 3_600_000) {
    throw new RangeError(`a deadline of ${deadlineMs} ms`);
  }
}

export function hex8(number: number): string {
  return (number >>> 0).toString(16).padStart(8, "0");
}

function decimal(text: string | undefined, digits: number): bigint | undefined {
  return text !== undefined && text.length <= digits && /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
}

function hexWord(text: string | undefined, digits: number): Buffer | undefined {
  return text?.length === digits && /^[0-9a-f]+$/.test(text) ? Buffer.from(text, "hex") : undefined;
}
