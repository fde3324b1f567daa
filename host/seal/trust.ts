/** The keys that a verifier trusts, as a text file that people keep. */
import { SealError } from "./error.ts";

const TEXT_MAX = 65_536;
const LINE = /^([0-9a-f]{64})(?:[ \t]+(.{0,200}))?$/;

/** Public key, 64 lowercase hex digits → the name that the verifier gives it, which may be empty. */
export type TrustedKeys = ReadonlyMap<string, string>;

/** One key a line, then a name; empty lines and lines that begin with # do not count. @throws SealError SEAL_TRUST */
export function readTrustedKeys(text: string): TrustedKeys {
  if (text.length > TEXT_MAX) throw new SealError("SEAL_TRUST", `the list has more than ${TEXT_MAX} characters`);
  const keys = new Map<string, string>();
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, key, name = ""] = LINE.exec(line) ?? [];
    if (key === undefined) throw new SealError("SEAL_TRUST", `line ${i + 1} is no key`);
    keys.set(key, name);
  }
  return keys;
}

/** A line for such a file: what `lv06` prints for verifiers to keep. */
export function trustedKeyLine(publicKey: Uint8Array, name: string): string {
  return `${Buffer.from(publicKey).toString("hex")} ${name}`;
}
