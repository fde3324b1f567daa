/** Reading the data in replies. */
import { SHA256_BYTES } from "../../digest.ts";
import { DeviceError } from "../../errors.ts";
import { REDACTED } from "../../link/redact.ts";
import type { Reply } from "../request.ts";

const SHOWN_CHARS = 100;
const DIGEST = new RegExp(`^[0-9a-f]{${2 * SHA256_BYTES}}$`);

/**
 * The 32 bytes that a reply consists of.
 *
 * @throws DeviceError DEVICE_REPLY; for KEY it does not repeat what the device said
 */
export function bytes32(verb: string, { args }: Reply): Buffer {
  const [hex = "", ...rest] = args;
  if (rest.length === 0 && DIGEST.test(hex)) return Buffer.from(hex, "hex");
  throw badReply(verb, args);
}

export function badReply(verb: string, args: readonly string[]): DeviceError {
  const words = verb === "KEY" ? REDACTED : args.join(" ").slice(0, SHOWN_CHARS);
  return new DeviceError("DEVICE_REPLY", `${verb} was answered with ${words === "" ? "nothing" : words}`);
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** @throws RangeError unless there are `count` bytes: a defect of the caller */
export function expectLength(name: string, bytes: Uint8Array, count: number): void {
  if (bytes.length !== count) throw new RangeError(`${name} has ${bytes.length} bytes, not ${count}`);
}
