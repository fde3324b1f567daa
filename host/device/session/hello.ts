/** The handshake's contents (SPEC.md §5.1). */
import { CAPABILITIES, type Capability } from "../device.ts";
import { DeviceError } from "../errors.ts";
import { parsePairs, wholeNumber } from "./pairs.ts";
import type { Credits } from "./request.ts";

export const PROTOCOL_VERSION = 1;
/** What either side may send before the other's limits are known. */
export const FIRST_CREDITS: Credits = { lines: 1, bytes: 512 };
/** The longest line the host reads, and a device may announce: a bound on what the host keeps. */
export const MAX_LINE_BYTES = 65_536;
const NAME_CHARS = 64;
const RATES_MOST = 32;

/** What all but the minimal profile take (SPEC §5.1, §10). */
const FULL_BLOCK_BYTES = 1024;

export interface Hello {
  readonly protocol: number;
  readonly firmware: string;
  readonly device: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** The longest line the device reads. */
  readonly maxLineBytes: number;
  /** The longest line the device writes. */
  readonly maxReplyBytes: number;
  readonly maxBlockBytes: number;
  /** 0 where the device takes no image. */
  readonly maxImagePixels: number;
  /** What one deflated payload may inflate to; 0 where the device does not inflate. */
  readonly inflateBytes: number;
  /** Baud rates that the device takes, highest first; empty where the line has none. */
  readonly rates: readonly number[];
  readonly credits: Credits;
  readonly simulated: boolean;
  readonly boot: string;
}

/** The nonce that a HELLO reply repeats; undefined if it has none. */
export function helloNonce(args: readonly string[]): string | undefined {
  return parsePairs(args).get("nonce");
}

/**
 * Reads a HELLO reply; unknown keys and capabilities are ignored, so that a newer device is understood.
 *
 * @throws DeviceError DEVICE_PROTOCOL where a required key is missing or a value out of its range
 */
export function parseHello(args: readonly string[], boot: string): Hello {
  const pairs = parsePairs(args);
  const caps = new Set(text(pairs, "caps").split(","));
  const firmware = text(pairs, "firmware", NAME_CHARS);
  const device = text(pairs, "device", NAME_CHARS);
  const whole = (key: string, min: number, max: number, absent?: number) => {
    if (absent !== undefined && !pairs.has(key)) return absent;
    return inRange(key, text(pairs, key), min, max);
  };
  // Asked first: the other keys mean what this version says they mean.
  const protocol = whole("proto", PROTOCOL_VERSION, PROTOCOL_VERSION);
  if (!caps.has("hash")) throw new DeviceError("DEVICE_PROTOCOL", "HELLO announces no hash");
  const maxLineBytes = whole("maxLine", FIRST_CREDITS.bytes, MAX_LINE_BYTES);
  return {
    protocol,
    firmware,
    device,
    capabilities: new Set(CAPABILITIES.filter((capability) => caps.has(capability))),
    maxLineBytes,
    maxReplyBytes: whole("maxReply", FIRST_CREDITS.bytes, MAX_LINE_BYTES, FIRST_CREDITS.bytes),
    maxBlockBytes: whole("maxBlock", caps.size > 1 ? FULL_BLOCK_BYTES : 1, MAX_LINE_BYTES / 2),
    maxImagePixels: whole("maxImage", 1, 1_048_576, caps.has("image") ? undefined : 0),
    inflateBytes: whole("inflate", 1, 65_536, 0),
    rates: caps.has("baud") ? ratesOf(text(pairs, "rates")) : [],
    credits: { lines: whole("lines", 1, 1024), bytes: whole("bytes", maxLineBytes, 16 * MAX_LINE_BYTES) },
    simulated: whole("simulated", 1, 1, 0) === 1,
    boot,
  };
}

function text(pairs: ReadonlyMap<string, string>, key: string, mostChars = FIRST_CREDITS.bytes): string {
  const value = pairs.get(key);
  if (value === undefined || value === "") throw new DeviceError("DEVICE_PROTOCOL", `HELLO lacks ${key}`);
  if (value.length > mostChars) throw new DeviceError("DEVICE_PROTOCOL", `HELLO's ${key} is ${value.length} long`);
  return value;
}

function inRange(key: string, value: string, min: number, max: number): number {
  const number = wholeNumber(value);
  if (number >= min && number <= max) return number;
  const range = min === max ? `not ${min}` : `outside ${min} to ${max}`;
  throw new DeviceError("DEVICE_PROTOCOL", `HELLO says ${key}=${value.slice(0, NAME_CHARS)}, ${range}`);
}

function ratesOf(list: string): readonly number[] {
  const rates = list.split(",").slice(0, RATES_MOST);
  return rates.map((rate) => inRange("rates", rate, 1, 999_999_999)).sort((a, b) => b - a);
}
