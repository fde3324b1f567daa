/** Lines → recordings. Whatever stands in a file ends in a recording or in a named error. */
import { createHash } from "node:crypto";
import type { z } from "zod";
import { Sum } from "./encode.ts";
import { RecordingError } from "./error.ts";
import {
  type End,
  type Event,
  endSchema,
  eventSchemas,
  FORMAT_NAME,
  FORMAT_VERSION,
  headerSchema,
  MOST_EVENTS,
  MOST_FILE_BYTES,
  MOST_LINE_BYTES,
  type Recording,
} from "./format.ts";

const LINE_FEED = 10;

/** @throws RecordingError RECORDING_EMPTY, _LIMIT, _FORM, _VERSION, _TRUNCATED, _EDITED, _UNKNOWN */
export function parseRecording(bytes: Uint8Array): Recording {
  if (bytes.length === 0) throw new RecordingError("RECORDING_EMPTY", "the file has no bytes");
  if (bytes.length > MOST_FILE_BYTES) throw new RecordingError("RECORDING_LIMIT", `the file has ${bytes.length} bytes`);
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines = linesOf(file);
  const [first = ""] = lines;
  const rawHeader = checkVersion(first);
  const end = readEnd(file, lines);
  const header = checked(headerSchema, rawHeader, 1);
  const events = lines.slice(1, -1).map((line, i) => eventOf(line, i + 2));
  checkSums(events, end);
  return { header, events, end };
}

function linesOf(file: Buffer): string[] {
  const lines: string[] = [];
  let start = 0;
  while (start < file.length) {
    const at = file.indexOf(LINE_FEED, start);
    const end = at < 0 ? file.length : at + 1;
    if (end - start > MOST_LINE_BYTES)
      throw new RecordingError("RECORDING_LIMIT", `line ${lines.length + 1} has ${end - start} bytes`);
    // The header and the end besides.
    if (lines.length === MOST_EVENTS + 2)
      throw new RecordingError("RECORDING_LIMIT", `more than ${MOST_EVENTS} events`);
    lines.push(textOf(file.subarray(start, end), lines.length + 1));
    start = end;
  }
  return lines;
}

function textOf(line: Buffer, number: number): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(line);
  } catch {
    throw new RecordingError("RECORDING_FORM", `line ${number} is not UTF-8`);
  }
}

/** Before anything else is read: another version may mean anything. */
function checkVersion(first: string): unknown {
  const header = jsonOf(first);
  const format = typeof header === "object" && header !== null && "format" in header ? header.format : undefined;
  const version = typeof format === "string" && format.startsWith(FORMAT_NAME) ? format.slice(FORMAT_NAME.length) : "";
  if (!/^[1-9][0-9]{0,5}$/.test(version)) throw new RecordingError("RECORDING_FORM", "line 1 is no recording's header");
  if (Number(version) <= FORMAT_VERSION) return header;
  throw new RecordingError("RECORDING_VERSION", `format ${version}; this rig reads ${FORMAT_VERSION}`);
}

function readEnd(file: Buffer, lines: readonly string[]): End {
  const last = lines.at(-1) ?? "";
  const value = jsonOf(last);
  const isEnd = typeof value === "object" && value !== null && "end" in value;
  if (lines.length < 2 || !isEnd || !last.endsWith("\n"))
    throw new RecordingError("RECORDING_TRUNCATED", `the last of ${lines.length} lines is no end record`);
  const { end } = checked(endSchema, value, lines.length);
  const before = file.subarray(0, file.length - Buffer.byteLength(last));
  const { sha256: _, ...said } = Object(value.end);
  const sha256 = createHash("sha256").update(before).update(JSON.stringify(said)).digest("hex");
  if (sha256 !== end.sha256)
    throw new RecordingError("RECORDING_EDITED", `the SHA-256 of its lines is ${sha256}, not ${end.sha256}`);
  return end;
}

function eventOf(line: string, number: number): Event {
  const value = jsonOf(line);
  if (!Array.isArray(value)) throw new RecordingError("RECORDING_FORM", `line ${number} is no event`);
  const code: unknown = value[1];
  switch (code) {
    case "w":
    case "r": {
      const [atUs, , data, connection = 1] = checked(eventSchemas[code], value, number);
      return { atUs, code, connection, bytes: bytesOf(data, number) };
    }
    case "c": {
      const [atUs, , control, connection = 1] = checked(eventSchemas.c, value, number);
      return { atUs, code, connection, control };
    }
    case "m": {
      const [atUs, , text] = checked(eventSchemas.m, value, number);
      return { atUs, code, text };
    }
    case "x": {
      const [atUs, , fault] = checked(eventSchemas.x, value, number);
      return { atUs, code, fault };
    }
    default:
      throw new RecordingError("RECORDING_UNKNOWN", `line ${number} is an event ${JSON.stringify(code)}`);
  }
}

function bytesOf(data: string | { readonly base64: string }, number: number): Buffer {
  if (typeof data !== "string") return Buffer.from(data.base64, "base64");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes are told from characters by it
  if (/[^\x00-\x7f]/.test(data))
    throw new RecordingError("RECORDING_FORM", `line ${number} has text that is not ASCII`);
  return Buffer.from(data, "latin1");
}

function checkSums(events: readonly Event[], end: End): void {
  const edited = (what: string) => new RecordingError("RECORDING_EDITED", what);
  if (events.length !== end.events) throw edited(`${events.length} events, the end record says ${end.events}`);
  const sums = { w: new Sum(), r: new Sum() };
  let lastUs = 0;
  for (const event of events) {
    if (event.atUs < lastUs) throw edited(`an event at ${event.atUs} µs follows one at ${lastUs} µs`);
    lastUs = event.atUs;
    if (event.code === "w" || event.code === "r") sums[event.code].add(event.bytes);
  }
  for (const direction of ["w", "r"] as const) {
    const { chunks, bytes, sha256 } = sums[direction].end();
    const said = end[direction];
    if (chunks === said.chunks && bytes === said.bytes && sha256 === said.sha256) continue;
    throw edited(`"${direction}" has ${bytes} bytes in ${chunks} chunks, and not those of the end record`);
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What a version does not know is told from what is broken. */
function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, number: number): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = deepest(result.error.issues);
  const code =
    issue?.code === "unrecognized_keys" || issue?.code === "invalid_union" ? "RECORDING_UNKNOWN" : "RECORDING_FORM";
  const path = issue?.path.join(".") ?? "";
  throw new RecordingError(
    code,
    `line ${number}${path === "" ? "" : `, ${path}`}: ${issue?.message ?? "not of this format"}`,
  );
}

/** Of a value that may be one of several, what is wrong with the likeliest: the one that came furthest. */
function deepest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const [issue] = issues;
  if (issue?.code !== "invalid_union" || issue.errors.length === 0) return issue;
  const [likeliest] = [...issue.errors].sort((a, b) => a.length - b.length);
  return deepest(likeliest ?? []);
}
