/**
 * One line ↔ one frame of the direct-hash protocol (firmware-spec/SPEC.md §3): `~SEQ VERB ARGS… CRC`.
 *
 * Written from the specification, as the device's C core was: neither is derived from the other.
 */
import { crc32 } from "node:zlib";

export interface Frame {
  /** 0…65535; 0 in frames that answer no request. */
  readonly seq: number;
  /** A–Z, then A–Z 0–9 _; at most 16 characters. */
  readonly verb: string;
  /** Words of printable ASCII without spaces. */
  readonly args: readonly string[];
}

/** Why a line that begins like a frame is none: the words that NAK uses too. */
export type DiscardReason = "long" | "bytes" | "form" | "crc";

export type LinkEvent =
  | { readonly kind: "frame"; readonly frame: Frame }
  /** A line that is no frame: a person's or a program's words, never data. */
  | { readonly kind: "log"; readonly text: string }
  | { readonly kind: "discarded"; readonly reason: DiscardReason };

const HEAD_CHARS = 6;
const TAIL_CHARS = 9;
const VERB = /^[A-Z][A-Z0-9_]{0,15}$/;
const WORD = /^[\x21-\x7e]+$/;
const PRINTABLE = /^[\x20-\x7e]*$/;
const SEQ = /^[0-9a-f]{4}$/;
const CRC = /^[0-9a-f]{8}$/;
const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, "g");

/**
 * The bytes of a frame, line feed included.
 *
 * @throws RangeError if the frame breaks the grammar: a defect of the caller
 */
export function encodeFrame({ seq, verb, args }: Frame): Uint8Array {
  if (!Number.isInteger(seq) || seq < 0 || seq > 0xffff) throw new RangeError(`sequence number ${seq}`);
  if (!VERB.test(verb)) throw new RangeError(`verb ${JSON.stringify(verb)}`);
  const unfit = args.find((word) => !WORD.test(word));
  if (unfit !== undefined) throw new RangeError(`argument ${JSON.stringify(unfit)}`);
  const head = `~${seq.toString(16).padStart(4, "0")} ${[verb, ...args].join(" ")} `;
  return Buffer.from(`${head}${crcText(head)}\n`, "latin1");
}

/**
 * What a line is.
 *
 * @param raw the line as latin1, without its line feed; one carriage return at its end is ignored
 * @returns undefined for an empty line
 */
export function parseLine(raw: string): LinkEvent | undefined {
  const bare = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
  // Colour belongs to logs; where one ran into a frame, the frame still counts.
  const line = bare.includes("\u001b") ? bare.replace(ANSI, "") : bare;
  if (line === "") return undefined;
  if (!line.startsWith("~")) return { kind: "log", text: line };
  if (!PRINTABLE.test(line)) return { kind: "discarded", reason: "bytes" };
  const crc = line.slice(-TAIL_CHARS + 1);
  const seq = line.slice(1, HEAD_CHARS - 1);
  const framed = line.length > HEAD_CHARS + TAIL_CHARS && line[HEAD_CHARS - 1] === " " && line.at(-TAIL_CHARS) === " ";
  if (!framed || !SEQ.test(seq) || !CRC.test(crc)) return { kind: "discarded", reason: "form" };
  if (crcText(line.slice(0, -TAIL_CHARS + 1)) !== crc) return { kind: "discarded", reason: "crc" };
  const [verb = "", ...args] = line.slice(HEAD_CHARS, -TAIL_CHARS).split(" ");
  if (!VERB.test(verb) || args.includes("")) return { kind: "discarded", reason: "form" };
  return { kind: "frame", frame: { seq: Number.parseInt(seq, 16), verb, args } };
}

function crcText(ascii: string): string {
  return crc32(ascii).toString(16).padStart(8, "0");
}
