/** The last chunks of a case as lines that a person can read. */
import { parseLine } from "../../host/device/link/frame.ts";
import type { TransportKind } from "../rig/bench.ts";
import type { Passed } from "../rig/report.ts";

export interface ShownLine {
  readonly atUs: number;
  readonly direction: "write" | "read";
  /** `HASH`, `OK`, `mining.notify`; what the line is, where it bears no verb. */
  readonly verb: string;
  /** Printable; other bytes as `\x0a`. */
  readonly text: string;
  /** Something is wrong with the line itself. */
  readonly bad: boolean;
}

export const TEXT_CHARS = 600;
const LINE_FEED = 10;

/**
 * Lines in the order in which they ended; what was not ended comes last, as `unfinished`.
 *
 * The first lines may be the ends of longer ones, as the chunks are the last of many.
 */
export function linesOf(transport: TransportKind, passed: readonly Passed[]): ShownLine[] {
  const open = { write: emptyLine(), read: emptyLine() };
  const lines: ShownLine[] = [];
  for (const { atUs, direction, bytes } of passed) {
    const rest = open[direction];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      rest.parts.push(bytes.subarray(start, end));
      lines.push(shown(transport, rest.atUs ?? atUs, direction, Buffer.concat(rest.parts)));
      rest.parts.length = 0;
      rest.atUs = undefined;
      start = end + 1;
    }
    if (start === bytes.length) continue;
    rest.parts.push(bytes.subarray(start));
    rest.atUs ??= atUs;
  }
  for (const direction of ["write", "read"] as const) {
    const { atUs, parts } = open[direction];
    if (atUs === undefined) continue;
    lines.push({ atUs, direction, verb: "unfinished", text: printable(Buffer.concat(parts)), bad: true });
  }
  return lines;
}

function emptyLine(): { atUs: number | undefined; readonly parts: Uint8Array[] } {
  return { atUs: undefined, parts: [] };
}

function shown(transport: TransportKind, atUs: number, direction: Passed["direction"], line: Buffer): ShownLine {
  const what = transport === "usb" ? usbVerb(line) : stratumVerb(line);
  return { atUs, direction, ...what, text: printable(line) };
}

function usbVerb(line: Buffer): Pick<ShownLine, "verb" | "bad"> {
  const event = parseLine(line);
  switch (event?.kind) {
    case undefined:
      return { verb: "empty", bad: false };
    case "log":
      return { verb: "log", bad: false };
    case "discarded":
      return { verb: `discarded: ${event.reason}`, bad: true };
    case "frame": {
      const { verb, args } = event.frame;
      return { verb: verb === "ERR" ? `ERR ${args[1] ?? ""}`.trimEnd() : verb, bad: false };
    }
  }
}

function stratumVerb(line: Buffer): Pick<ShownLine, "verb" | "bad"> {
  try {
    const message: unknown = JSON.parse(line.toString("utf8"));
    if (typeof message !== "object" || message === null) return { verb: "not an object", bad: true };
    if ("method" in message && typeof message.method === "string") {
      return { verb: printable(Buffer.from(message.method.slice(0, 40))), bad: false };
    }
    const refused = "error" in message && message.error !== null;
    return { verb: refused ? "error" : "result", bad: false };
  } catch {
    return { verb: "not JSON", bad: true };
  }
}

export function printable(bytes: Uint8Array): string {
  const shownBytes = bytes.subarray(0, TEXT_CHARS);
  const text = Array.from(shownBytes, (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x5c
      ? String.fromCharCode(byte)
      : byte === 0x5c
        ? "\\\\"
        : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
  const left = bytes.length - shownBytes.length;
  return left === 0 ? text : `${text} … ${left} bytes more`;
}
