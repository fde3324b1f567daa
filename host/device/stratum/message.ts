/** Stratum's JSON lines: what a miner says, and the answers and notices it gets. */

import { stratumPrevhash } from "../../work/header.ts";
import type { Job } from "../../work/job.ts";

export type MessageId = number | string | null;

export interface Request {
  readonly kind: "request";
  readonly id: MessageId;
  readonly method: string;
  readonly params: readonly unknown[];
}

export type Message =
  | Request
  /** An answer to something that was never asked, or only a sign of life. */
  | { readonly kind: "answer" | "empty" }
  | { readonly kind: "malformed"; readonly id: MessageId; readonly detail: string };

const MAX_ID_CHARS = 64;
const MAX_METHOD_CHARS = 64;
const MAX_PARAMS = 16;

/** Stratum's codes; 20…23 of shares stand in `host/work/share.ts`. */
export const REFUSALS = {
  malformed: [20, "Malformed message"],
  unknownMethod: [20, "Unknown method"],
  unauthorised: [24, "Unauthorized worker"],
  notSubscribed: [25, "Not subscribed"],
} as const;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function idOf(value: unknown): MessageId {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  return typeof value === "string" && value.length <= MAX_ID_CHARS ? value : null;
}

/** How deep brackets nest outside of strings; `JSON.parse` would take any depth. */
function depthOf(line: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (quoted) {
      if (char === "\\") i += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "[" || char === "{") deepest = Math.max(deepest, ++depth);
    else if (char === "]" || char === "}") depth -= 1;
  }
  return deepest;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/**
 * One line as a message. Never throws.
 *
 * @param line bounded by the caller
 * @param maxDepth how deep brackets may nest
 */
export function readMessage(line: string, maxDepth: number): Message {
  if (line === "") return { kind: "empty" };
  const malformed = (detail: string, id: MessageId = null): Message => ({ kind: "malformed", id, detail });
  if (depthOf(line) > maxDepth) return malformed(`brackets nest deeper than ${maxDepth}`);
  const value = parsed(line);
  if (!isRecord(value)) return malformed("the line is no JSON object");
  const id = idOf(value.id);
  const { method, params = [] } = value;
  if (method === undefined && ("result" in value || "error" in value)) return { kind: "answer" };
  if (typeof method !== "string" || method.length > MAX_METHOD_CHARS)
    return malformed("the method is no short text", id);
  const list = params === null ? [] : params;
  if (!Array.isArray(list) || list.length > MAX_PARAMS) return malformed("params is no short list", id);
  return { kind: "request", id, method, params: list };
}

/** `error` is always there: the oldest firmware takes an answer without it for a failure, and then crashes. */
export function answer(id: MessageId, result: unknown): string {
  return `${JSON.stringify({ id, result, error: null })}\n`;
}

export function refusal(id: MessageId, [code, text]: readonly [number, string]): string {
  return `${JSON.stringify({ id, result: null, error: [code, text, null] })}\n`;
}

function notice(method: string, params: readonly unknown[]): string {
  return `${JSON.stringify({ id: null, method, params })}\n`;
}

/** It takes effect with the next job. */
export function difficultyNotice(difficulty: number): string {
  return notice("mining.set_difficulty", [difficulty]);
}

/**
 * `mining.notify`. All hex numbers have exactly 8 digits, as some miners insist.
 *
 * @param clean whether the miner is to drop at once what it works on
 */
export function jobNotice(job: Job, clean: boolean): string {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const hex32 = (value: number) => value.toString(16).padStart(8, "0");
  return notice("mining.notify", [
    job.id,
    stratumPrevhash(job.prevhash),
    hex(job.coinb1),
    hex(job.coinb2),
    job.branches.map(hex),
    hex32(job.version),
    hex32(job.nbits),
    hex32(job.ntime),
    clean,
  ]);
}
