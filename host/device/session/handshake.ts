/** HELLO, until a device answers it (SPEC.md §5.1, §6). */
import { type Hello, helloNonce, MAX_LINE_BYTES, PROTOCOL_VERSION, parseHello } from "./hello.ts";
import type { Ask } from "./request.ts";

const HELLO_EVERY_MS = 500;

/**
 * Repeats one HELLO, with a nonce; a reply that bears another is an earlier handshake's and is passed over.
 *
 * @param random uniform in [0, 1)
 * @param helloMs how long it is repeated
 * @throws DeviceError DEVICE_PROTOCOL, DEVICE_REFUSED, DEVICE_DEADLINE, DEVICE_CLOSED
 */
export async function shakeHands(ask: Ask, random: () => number, helloMs: number): Promise<Hello> {
  const nonce = randomHex8(random);
  const { args, boot } = await ask({
    verb: "HELLO",
    args: [String(PROTOCOL_VERSION), nonce, `maxLine=${MAX_LINE_BYTES}`],
    deadlineMs: helloMs,
    retry: { firstMs: HELLO_EVERY_MS, factor: 1, tries: Math.max(1, Math.ceil(helloMs / HELLO_EVERY_MS)) },
    replyBytes: 0,
    accepts: (words) => helloNonce(words) === nonce,
  });
  return parseHello(args, boot);
}

/** 8 hexadecimal digits, drawn at random: a nonce, or the id of an image or a search. */
export function randomHex8(random: () => number): string {
  const number = Math.floor(random() * 0x1_0000_0000);
  return number.toString(16).padStart(8, "0");
}
