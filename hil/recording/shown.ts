/** Lines of either protocol for people: printable, short, without bulk and without secrets. */
import { parseLine } from "../../host/device/link/frame.ts";

const LINE_FEED = 10;
const SHOWN_CHARS = 160;

/** The first line of `bytes`, which need not be whole. */
export function shownLine(bytes: Uint8Array): string {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = all.indexOf(LINE_FEED);
  const line = end < 0 ? all : all.subarray(0, end);
  if (line.length === 0) return end < 0 ? "nothing" : "an empty line";
  const event = end < 0 ? undefined : parseLine(line);
  if (event?.kind !== "frame") return cut(printable(line));
  const { seq, verb, args, payload } = event.frame;
  const words = [verb, ...args].join(" ");
  return cut(
    `~${seq.toString(16).padStart(4, "0")} ${words}${payload === undefined ? "" : ` :${payload.length} bytes`}`,
  );
}

function printable(line: Buffer): string {
  return line.toString("latin1", 0, 2 * SHOWN_CHARS).replace(/[^\x20-\x7e]/g, ".");
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARS ? `"${text}"` : `"${text.slice(0, SHOWN_CHARS)}…"`;
}
