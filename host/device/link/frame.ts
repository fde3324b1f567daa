/**
 * One line of the direct-hash protocol (SPEC.md §3): `~SEQ VERB words… :payload CRC`, or log.
 *
 * Written from the specification alone, as the device's C core was: neither is derived from the other.
 */
import { crc32 } from "node:zlib";
import { cobsBytes, decodeCobs, writeCobs } from "./cobs.ts";

export interface Frame {
  /** 0…65535; 0 in frames that answer no request. */
  readonly seq: number;
  /** A–Z, then A–Z 0–9 _; at most 16 characters. */
  readonly verb: string;
  /** Words of printable ASCII without spaces, none beginning with a colon. */
  readonly args: readonly string[];
  /** Bytes of any value, at least one; absent in most frames. */
  readonly payload?: Uint8Array;
}

/** Why a line that begins like a frame is none: the words that NAK uses too. */
export type DiscardReason = "long" | "bytes" | "form" | "crc";

export type LinkEvent =
  | { readonly kind: "frame"; readonly frame: Frame }
  /** A line that is no frame: a person's or a program's words, never data. Printable, cut to `LOG_CHARS`. */
  | { readonly kind: "log"; readonly text: string }
  | { readonly kind: "discarded"; readonly reason: DiscardReason };

/** What is kept of a log line. */
export const LOG_CHARS = 512;

const HEAD_BYTES = 6;
const TAIL_BYTES = 9;
const CRC_DIGITS = 8;
const VERB = /^[A-Z][A-Z0-9_]{0,15}$/;
const WORD = /^[\x21-\x39\x3b-\x7e][\x21-\x7e]*$/;
const TILDE = 0x7e;
const SPACE = 0x20;
const COLON = 0x3a;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const ESCAPE = 0x1b;
const BRACKET = 0x5b;
const ANSI = new RegExp(`${String.fromCharCode(ESCAPE)}\\[[0-9;]*[A-Za-z]`, "g");
const UNPRINTABLE = /[^\x20-\x7e]/g;

/**
 * The bytes of a frame, line feed included.
 *
 * @throws RangeError if the frame breaks the grammar: a defect of the caller
 */
export function encodeFrame(frame: Frame): Buffer {
  const { seq, verb, args, payload } = frame;
  if (!Number.isInteger(seq) || seq < 0 || seq > 0xffff) throw new RangeError(`sequence number ${seq}`);
  checkContents(frame);
  const head = `~${hexOf(seq, 4)} ${[verb, ...args].join(" ")} `;
  const line = Buffer.allocUnsafe(frameBytes(frame));
  let at = line.write(head, "latin1");
  if (payload !== undefined) {
    line[at] = COLON;
    at = writeCobs(payload, line, at + 1);
    line[at++] = SPACE;
  }
  at += line.write(hexOf(crc32(line.subarray(0, at)), CRC_DIGITS), at, "latin1");
  line[at] = LINE_FEED;
  return line;
}

/** @throws RangeError if verb, words or payload break the grammar: a defect of the caller */
export function checkContents({ verb, args, payload }: Omit<Frame, "seq">): void {
  if (!VERB.test(verb)) throw new RangeError(`verb ${JSON.stringify(verb)}`);
  const unfit = args.find((word) => !WORD.test(word));
  if (unfit !== undefined) throw new RangeError(`argument ${JSON.stringify(unfit)}`);
  if (payload?.length === 0) throw new RangeError("an empty payload");
}

/** How long `encodeFrame` makes a line, line feed included. */
export function frameBytes({ verb, args, payload }: Omit<Frame, "seq">): number {
  const words = args.reduce((sum, word) => sum + word.length + 1, verb.length);
  return HEAD_BYTES + words + (payload === undefined ? 0 : 2 + cobsBytes(payload)) + TAIL_BYTES + 1;
}

/**
 * What a line is.
 *
 * @param raw the line without its line feed; one carriage return at its end is ignored. Nothing of it is kept.
 * @param long the line was longer than the reader holds: `raw` is its beginning
 * @returns undefined for an empty line
 */
export function parseLine(raw: Buffer, long = false): LinkEvent | undefined {
  const line = bare(raw);
  if (line.length === 0) return undefined;
  if (line[0] !== TILDE) return { kind: "log", text: readable(line) };
  return long ? discarded("long") : parseFrame(line);
}

function parseFrame(line: Buffer): LinkEvent {
  const tailAt = line.length - TAIL_BYTES;
  const colonAt = findPayload(line);
  if (colonAt === undefined) return discarded("bytes");
  if (tailAt <= HEAD_BYTES || line[HEAD_BYTES - 1] !== SPACE || line[tailAt] !== SPACE) return discarded("form");
  const seq = hexAt(line, 1, 4);
  const crc = hexAt(line, tailAt + 1, CRC_DIGITS);
  if (seq < 0 || crc < 0) return discarded("form");
  if (crc32(line.subarray(0, tailAt + 1)) !== crc) return discarded("crc");
  // Words end before the payload's " :" if there is one; before the colon itself nothing but the head can stand.
  const wordsEnd = colonAt < 0 ? tailAt : colonAt - 1;
  const [verb = "", ...args] = wordsEnd > HEAD_BYTES ? line.toString("latin1", HEAD_BYTES, wordsEnd).split(" ") : [];
  if (!VERB.test(verb) || args.includes("")) return discarded("form");
  const frame = { seq, verb, args };
  if (colonAt < 0) return { kind: "frame", frame };
  const payload = decodeCobs(line.subarray(colonAt + 1, tailAt));
  return payload === undefined ? discarded("form") : { kind: "frame", frame: { ...frame, payload } };
}

function discarded(reason: DiscardReason): LinkEvent {
  return { kind: "discarded", reason };
}

/** Where the payload's colon is; -1 if there is none; undefined if a byte before it is not printable. */
function findPayload(line: Buffer): number | undefined {
  let before = 0;
  for (let i = 0; i < line.length; i++) {
    const byte = line[i] ?? 0;
    if (byte === COLON && before === SPACE) return i;
    if (byte < SPACE || byte > TILDE) return undefined;
    before = byte;
  }
  return -1;
}

/** The number in `digits` small hexadecimal digits; -1 if they are not. */
function hexAt(line: Buffer, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const byte = line[i] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30;
    else if (byte >= 0x61 && byte <= 0x66) value = value * 16 + byte - 0x57;
    else return -1;
  }
  return value;
}

/** Without the carriage return, and without the colours that a log's line may leave around a frame. */
function bare(line: Buffer): Buffer {
  let end = line.length;
  if (end > 0 && line[end - 1] === CARRIAGE_RETURN) end -= 1;
  let start = 0;
  for (let next = ansiAfter(line, start, end); next > start; next = ansiAfter(line, start, end)) start = next;
  for (let next = ansiBefore(line, start, end); next < end; next = ansiBefore(line, start, end)) end = next;
  return start === 0 && end === line.length ? line : line.subarray(start, end);
}

/** Where the colour sequence that begins at `start` ends; `start` if none does. */
function ansiAfter(line: Buffer, start: number, end: number): number {
  if (line[start] !== ESCAPE || line[start + 1] !== BRACKET) return start;
  let at = start + 2;
  while (at < end && isColourDigit(line[at])) at += 1;
  return at < end && isLetter(line[at]) ? at + 1 : start;
}

/** Where the colour sequence that ends at `end` begins; `end` if none does. */
function ansiBefore(line: Buffer, start: number, end: number): number {
  if (end - start < 3 || !isLetter(line[end - 1])) return end;
  let at = end - 2;
  while (at > start && isColourDigit(line[at])) at -= 1;
  return at > start && line[at] === BRACKET && line[at - 1] === ESCAPE ? at - 1 : end;
}

function isColourDigit(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || byte === 0x3b);
}

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

function readable(line: Buffer): string {
  const text = line.toString("latin1", 0, Math.min(line.length, LOG_CHARS));
  return text.replace(ANSI, "").replace(UNPRINTABLE, "?");
}

function hexOf(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
