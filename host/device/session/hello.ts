/** The handshake's contents (SPEC.md §5.1) and the `key=value` words that HELLO and HEALTH answer with. */
import { CAPABILITIES, type Capability, type DeviceHealth } from "../device.ts";
import { DeviceError } from "../errors.ts";
import type { Credits } from "./exchange.ts";

export const PROTOCOL_VERSION = 1;
/** What either side may send before the other's limits are known. */
export const FIRST_CREDITS: Credits = { lines: 1, bytes: 512 };
/** The longest line a device may announce: a bound on what the host keeps. */
export const MAX_LINE_BYTES = 65_536;

export interface Hello {
  readonly protocol: number;
  readonly firmware: string;
  readonly device: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly maxLineBytes: number;
  readonly maxBlockBytes: number;
  readonly credits: Credits;
  readonly simulated: boolean;
  readonly boot: string;
}

/**
 * Reads a HELLO reply; unknown keys and capabilities are ignored, so that a newer device is understood.
 *
 * @throws DeviceError DEVICE_PROTOCOL
 */
export function parseHello(args: readonly string[], boot: string, nonce: string): Hello {
  const pairs = parsePairs(args);
  const text = (key: string) => {
    const value = pairs.get(key);
    if (value === undefined || value === "") throw new DeviceError("DEVICE_PROTOCOL", `HELLO lacks ${key}`);
    return value;
  };
  const whole = (key: string, min: number, max: number) => {
    const value = /^[0-9]{1,9}$/.test(text(key)) ? Number(text(key)) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new DeviceError("DEVICE_PROTOCOL", `HELLO says ${key}=${text(key)}, outside ${min} to ${max}`);
  };
  if (text("nonce") !== nonce) throw new DeviceError("DEVICE_PROTOCOL", "HELLO answers an earlier handshake");
  const caps = new Set(text("caps").split(","));
  return {
    protocol: whole("proto", PROTOCOL_VERSION, PROTOCOL_VERSION),
    firmware: text("firmware"),
    device: text("device"),
    capabilities: new Set(CAPABILITIES.filter((capability) => caps.has(capability))),
    maxLineBytes: whole("maxLine", FIRST_CREDITS.bytes, MAX_LINE_BYTES),
    maxBlockBytes: whole("maxBlock", 1, MAX_LINE_BYTES / 2),
    credits: { lines: whole("lines", 1, 1024), bytes: whole("bytes", FIRST_CREDITS.bytes, 16 * MAX_LINE_BYTES) },
    simulated: pairs.get("simulated") === "1",
    boot,
  };
}

const READINGS = [
  "tempC",
  "vrTempC",
  "powerW",
  "coreMv",
  "inputMv",
  "currentMa",
  "frequencyMhz",
  "hashrateGhs",
  "errors",
  "fanRpm",
  "uptimeS",
  "freeHeapB",
] as const;

/**
 * Reads a HEALTH reply; what is not there stays unknown.
 *
 * @throws DeviceError DEVICE_REPLY for a value that is no number
 */
export function parseHealth(args: readonly string[]): DeviceHealth {
  const pairs = parsePairs(args);
  const health: { -readonly [Key in keyof DeviceHealth]: DeviceHealth[Key] } = {};
  for (const key of READINGS) {
    const value = pairs.get(key);
    if (value === undefined) continue;
    if (!/^-?[0-9]{1,15}(\.[0-9]{1,3})?$/.test(value)) {
      throw new DeviceError("DEVICE_REPLY", `HEALTH says ${key}=${value}`);
    }
    health[key] = Number(value);
  }
  const resetReason = pairs.get("resetReason");
  if (resetReason !== undefined) health.resetReason = resetReason;
  return health;
}

function parsePairs(args: readonly string[]): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const word of args) {
    const at = word.indexOf("=");
    if (at > 0) pairs.set(word.slice(0, at), word.slice(at + 1));
  }
  return pairs;
}
