/** Whether every answer stands after a question that it can belong to: a playback, whose host may be ahead, cannot tell. */
import { LineDecoder } from "../../host/device/link/decoder.ts";
import type { Frame } from "../../host/device/link/frame.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import type { Event, Recording } from "./format.ts";
import { shownLine } from "./shown.ts";
import { messagesOf } from "./stratum-text.ts";

export interface Unasked {
  readonly atUs: number;
  readonly what: string;
}

/** What the device answers to nothing that was asked of it by then. */
export function unaskedAnswers({ header, events }: Pick<Recording, "header" | "events">): Unasked[] {
  return header.transport === "usb" ? unaskedReplies(events) : untimelyShares(events);
}

/**
 * The answers over USB to nothing that was asked before, on this connection or an earlier one: a device answers each
 * copy of a request once (SPEC §4.1), and may still do so when its line was closed and opened again.
 */
function unaskedReplies(events: readonly Event[]): Unasked[] {
  const decoders = new Map<string, LineDecoder>();
  const asked = new Map<number, number>();
  const unasked: Unasked[] = [];
  for (const event of events) {
    if (event.code !== "w" && event.code !== "r") continue;
    const key = `${event.code}${event.connection}`;
    const decoder = decoders.get(key) ?? new LineDecoder(MAX_LINE_BYTES);
    decoders.set(key, decoder);
    for (const passed of decoder.push(event.bytes)) {
      if (passed.kind !== "frame") continue;
      const { seq } = passed.frame;
      const open = asked.get(seq) ?? 0;
      if (event.code === "w") asked.set(seq, open + 1);
      else if (isAnswer(passed.frame) && open > 0) asked.set(seq, open - 1);
      else if (isAnswer(passed.frame)) unasked.push({ atUs: event.atUs, what: whatOf(passed.frame) });
    }
  }
  return unasked;
}

/** Shares of jobs that were given out, and only later. */
function untimelyShares(events: readonly Event[]): Unasked[] {
  const early = new Map<string, Unasked>();
  const given = new Set<string>();
  const unasked: Unasked[] = [];
  for (const { connection, from, method, params, atUs } of messagesOf(events)) {
    if (from === "device" && method === "mining.submit") {
      const job = `${connection}/${String(params[1])}`;
      if (!given.has(job)) early.set(job, { atUs, what: `a share of job ${String(params[1])}` });
    } else if (from === "host" && method === "mining.notify") {
      const job = `${connection}/${String(params[0])}`;
      given.add(job);
      const share = early.get(job);
      if (share !== undefined) unasked.push(share);
      early.delete(job);
    }
  }
  return unasked;
}

function isAnswer({ verb }: Frame): boolean {
  return verb === "OK" || verb === "ERR";
}

function whatOf({ seq, verb, args }: Frame): string {
  return shownLine(Buffer.from(`~${seq.toString(16).padStart(4, "0")} ${verb} ${args.join(" ")}`));
}
