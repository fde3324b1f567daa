import { hash } from "node:crypto";

export const SHA256_BYTES = 32;

/**
 * SHA-256 of `input` written to `out` at `offset`.
 *
 * The detour over a string of bytes is deliberate: it makes no Buffer per digest, and takes a third of the time
 * (0.35 µs against 1 µs for 64 bytes), which counts at 4,116 blocks an image.
 */
export function sha256Into(input: Uint8Array, out: Uint8Array, offset: number): void {
  const digest = hash("sha256", input, "binary");
  for (let i = 0; i < SHA256_BYTES; i++) out[offset + i] = digest.charCodeAt(i);
}

/** SHA-256 of a domain tag, a zero byte and the parts: `SHA-256(tag ‖ 0x00 ‖ parts…)`, as every tagged digest here. */
export function taggedSha256(tag: string, ...parts: readonly Uint8Array[]): Buffer {
  return hash("sha256", Buffer.concat([Buffer.from(tag, "ascii"), Buffer.of(0), ...parts]), "buffer");
}
