/** The faults that concern the way of bytes, not the bytes: what those that struck come to, together. */
import type { ArmedFault } from "./trigger.ts";

export interface Way {
  readonly delayMs: number;
  readonly baud: number | undefined;
  /** Before it, nothing moves for so long. */
  readonly standMs: number;
  /** It and all else within this time is lost; undefined: nothing is. */
  readonly darkMs: number | undefined;
  readonly write: "passed" | "refused" | "hung";
  readonly unplug: boolean;
  readonly glueMs: number | undefined;
  readonly split: { readonly at?: number; readonly bytes?: number; readonly ms: number } | undefined;
}

export const CLEAR: Way = {
  delayMs: 0,
  baud: undefined,
  standMs: 0,
  darkMs: undefined,
  write: "passed",
  unplug: false,
  glueMs: undefined,
  split: undefined,
};

const GLUE_MS = 50;

/** @returns the same object where the fault is of another sort */
export function under(way: Way, { fault, random }: ArmedFault): Way {
  const { kind, ms = 0, baud, at, bytes } = fault;
  switch (kind) {
    case "latency":
      return { ...way, delayMs: way.delayMs + ms + random.next() * (fault.jitterMs ?? 0) };
    case "bandwidth":
      return { ...way, baud: Math.min(way.baud ?? Number.POSITIVE_INFINITY, baud ?? Number.POSITIVE_INFINITY) };
    case "stall":
      return { ...way, standMs: Math.max(way.standMs, ms) };
    case "blackhole":
    case "half-open":
      return { ...way, darkMs: Math.max(way.darkMs ?? 0, fault.ms ?? Number.POSITIVE_INFINITY) };
    case "eio":
      return { ...way, write: "refused" };
    case "hang":
      return { ...way, write: "hung" };
    case "unplug":
      return { ...way, unplug: true };
    case "glue":
      return { ...way, glueMs: fault.ms ?? GLUE_MS };
    case "split":
      return { ...way, split: { ms, ...(at === undefined ? {} : { at }), ...(bytes === undefined ? {} : { bytes }) } };
    default:
      return way;
  }
}

/** The chunks that a split makes. @param turn which offset it is the turn of */
export function splitChunks(bytes: Buffer, { at, bytes: size }: NonNullable<Way["split"]>, turn: number): Buffer[] {
  if (size === undefined) {
    const cut = at ?? 1 + (turn % Math.max(1, bytes.length - 1));
    return [bytes.subarray(0, cut), bytes.subarray(cut)];
  }
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
