/**
 * A coinbase that carries a sealed value, and the shape of any coinbase.
 *
 * Ours pays nothing and to nobody: it only makes the header depend on 32 bytes. Every known firmware takes it: it
 * begins as an ordinary coinbase, with the height (BIP 34), and stays far below the shortest buffer.
 */
import { expectBytes, expectWhole } from "./bytes.ts";
import { SHA256_BYTES } from "./sha256.ts";

/** A height as the blocks of today have it, so that firmware which shows it finds an ordinary one. */
export const COINBASE_HEIGHT = 800_000;
/** Below 17, BIP 34 writes the height as an opcode instead of a push. */
const LEAST_HEIGHT = 17;
const MOST_HEIGHT = 0x7fffffff;
const LEAST_EXTRANONCE_BYTES = 4;
const MOST_EXTRANONCE_BYTES = 16;
const OP_RETURN = 0x6a;
const OUTPUT_LABEL = Buffer.from("lv06", "ascii");
/** Version 1, one input, which spends nothing. */
const BEFORE_SCRIPT = Buffer.from(`0100000001${"00".repeat(32)}ffffffff`, "hex");
const SEQUENCE = Buffer.from("ffffffff", "hex");

export interface CoinbaseOptions {
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** Length of extranonce1 and extranonce2 together, 4…16 bytes. */
  readonly extranonceBytes: number;
  /** 17…2^31 - 1, default `COINBASE_HEIGHT`. */
  readonly height?: number;
}

/** `coinb1` ends where extranonce1 begins, `coinb2` begins where extranonce2 ends. */
export interface CoinbaseParts {
  readonly coinb1: Buffer;
  readonly coinb2: Buffer;
}

function push(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

/** A positive number as a script writes it: little-endian, shortest, the highest bit free for the sign. */
function scriptNumber(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.push(rest % 256);
  if ((bytes.at(-1) ?? 0) >= 0x80) bytes.push(0);
  return Buffer.from(bytes);
}

/**
 * Both parts of a coinbase around the extranonces: height, commitment and extranonce are pushed by the input's
 * script; the only output is worth 0 and unspendable. 116 bytes with an extranonce of 12.
 *
 * @throws WorkError WORK_LENGTH or WORK_NUMBER
 */
export function coinbaseParts(options: CoinbaseOptions): CoinbaseParts {
  const { commitment, extranonceBytes, height = COINBASE_HEIGHT } = options;
  expectBytes("commitment", commitment, SHA256_BYTES);
  expectWhole("height", height, LEAST_HEIGHT, MOST_HEIGHT);
  expectWhole("extranonceBytes", extranonceBytes, LEAST_EXTRANONCE_BYTES, MOST_EXTRANONCE_BYTES);
  const script = Buffer.concat([push(scriptNumber(height)), push(commitment), Buffer.of(extranonceBytes)]);
  const output = push(Buffer.concat([Buffer.of(OP_RETURN), push(OUTPUT_LABEL)]));
  return {
    coinb1: Buffer.concat([BEFORE_SCRIPT, Buffer.of(script.length + extranonceBytes), script]),
    coinb2: Buffer.concat([SEQUENCE, Buffer.of(1), Buffer.alloc(8), output, Buffer.alloc(4)]),
  };
}

/** A compact-size integer below 2^16, in its shortest form, and the place after it; null for anything else. */
function compactSize(bytes: Uint8Array, at: number): { value: number; next: number } | null {
  const first = bytes[at];
  if (first === undefined || first > 0xfd) return null;
  if (first < 0xfd) return { value: first, next: at + 1 };
  const [low, high] = [bytes[at + 1], bytes[at + 2]];
  const value = (low ?? 0) | ((high ?? 0) << 8);
  return value < 0xfd || high === undefined ? null : { value, next: at + 3 };
}

/** Where the outputs that begin at `at` end, which may be past the last byte; null where a length is missing. */
function endOfOutputs(bytes: Uint8Array, at: number): number | null {
  const outputs = compactSize(bytes, at);
  if (outputs === null) return null;
  let end = outputs.next;
  for (let i = 0; i < outputs.value; i++) {
    const script = compactSize(bytes, end + 8);
    if (script === null) return null;
    end = script.next + script.value;
  }
  return end;
}

/**
 * Where the input's script begins and ends, if the bytes are a whole coinbase transaction (without witness, as miners
 * hash it) and nothing else; null otherwise. An inner node of a Merkle tree, 64 bytes, is none.
 */
export function scriptOfCoinbase(coinbase: Uint8Array): { start: number; end: number } | null {
  const spendsNothing = Buffer.from(coinbase.subarray(4, BEFORE_SCRIPT.length)).equals(BEFORE_SCRIPT.subarray(4));
  const size = spendsNothing ? compactSize(coinbase, BEFORE_SCRIPT.length) : null;
  if (size === null) return null;
  const end = size.next + size.value;
  const outputsEnd = endOfOutputs(coinbase, end + SEQUENCE.length);
  return outputsEnd !== null && outputsEnd + 4 === coinbase.length ? { start: size.next, end } : null;
}
