/** What a device does with its key: ATTEST and KEY (SPEC.md §5.7). */

import { SHA256_BYTES } from "../../../work/sha256.ts";
import type { Attestation, RequestOptions } from "../../device.ts";
import type { Session } from "../session.ts";
import { bytes32, expectLength, hex } from "./data.ts";

/** @throws DeviceError; RangeError unless both are 32 bytes */
export async function attest(
  session: Session,
  commitment: Uint8Array,
  challenge: Uint8Array,
  options: RequestOptions,
): Promise<Attestation> {
  expectLength("the commitment", commitment, SHA256_BYTES);
  expectLength("the challenge", challenge, SHA256_BYTES);
  const reply = await session.request({ verb: "ATTEST", args: [hex(commitment), hex(challenge)], ...options });
  return { mac: bytes32("ATTEST", reply), bootId: reply.boot };
}

/** @throws DeviceError, which never holds the key; RangeError unless the context is 32 bytes */
export async function deriveKey(session: Session, context: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
  expectLength("the context", context, SHA256_BYTES);
  return bytes32("KEY", await session.request({ verb: "KEY", args: [hex(context)], ...options }));
}
