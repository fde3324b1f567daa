/** Reading the data in replies. */
import { SHA256_BYTES } from "../../../work/sha256.ts";
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
export function bytes32(verb: string, reply: Reply): Buffer {
  expectWords(verb, reply, 1);
  const [hex = ""] = reply.args;
  if (DIGEST.test(hex)) return Buffer.from(hex, "hex");
  throw badReply(verb, reply.args);
}

/**
 * A reply has as many words as its command describes, and a payload only where one is described (SPEC §5).
 *
 * @param words how many; `any` for a list of pairs
 * @throws DeviceError DEVICE_REPLY
 */
export function expectWords(verb: string, { args, payload }: Reply, words: number | "any", withPayload = false): void {
  if (words !== "any" && args.length !== words) throw badReply(verb, args);
  if ((payload !== undefined) === withPayload) return;
  throw badReply(verb, [...args, `${payload === undefined ? "no" : payload.length} bytes of payload`]);
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
