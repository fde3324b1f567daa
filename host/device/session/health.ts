/** What HEALTH answers with (SPEC.md §5.5). */
import type { DeviceHealth } from "../device.ts";
import { DeviceError } from "../errors.ts";
import { parsePairs } from "./pairs.ts";

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
const SHOWN_CHARS = 40;

/**
 * Reads a HEALTH reply; what is not there stays unknown.
 *
 * @throws DeviceError DEVICE_REPLY for a value that is no number, or a reset reason that is no word
 */
export function parseHealth(args: readonly string[]): DeviceHealth {
  const pairs = parsePairs(args);
  const health: { -readonly [Key in keyof DeviceHealth]: DeviceHealth[Key] } = {};
  for (const key of READINGS) {
    const value = pairs.get(key);
    if (value !== undefined) health[key] = Number(matching(key, value, /^-?[0-9]{1,9}(\.[0-9]{1,3})?$/));
  }
  const resetReason = pairs.get("resetReason");
  if (resetReason !== undefined) health.resetReason = matching("resetReason", resetReason, /^[a-z-]{1,32}$/);
  return health;
}

function matching(key: string, value: string, shape: RegExp): string {
  if (shape.test(value)) return value;
  throw new DeviceError("DEVICE_REPLY", `HEALTH says ${key}=${value.slice(0, SHOWN_CHARS)}`);
}
