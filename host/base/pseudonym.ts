/** Names that leave instead of the caller's own: the same for the same reference, and no way back without the key. */
import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";

export const SITE_KEY_BYTES = 32;
const PREFIX = "p1-";
/** 130 bits. */
const LETTERS = 26;
/** RFC 4648, in lower case. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const DOMAIN = "lv06/reference/1\0";
const ID_DOMAIN = "lv06/site-key-id/1\0";
const ID_BYTES = 8;

function base32(bytes: Uint8Array, letters: number): string {
  let [text, held, bits] = ["", 0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return text.slice(0, letters);
}

export class Pseudonyms {
  /** Names the key, and tells nothing of it: 16 lowercase hex digits. */
  readonly keyId: string;
  readonly #key: KeyObject;

  /** @param siteKey 32 bytes; where several appliances share it, they give a reference the same name */
  constructor(siteKey: Uint8Array) {
    if (siteKey.length !== SITE_KEY_BYTES) throw new RangeError(`a site key of ${siteKey.length} bytes`);
    this.#key = createSecretKey(siteKey);
    this.keyId = createHash("sha256").update(ID_DOMAIN).update(siteKey).digest().toString("hex", 0, ID_BYTES);
  }

  /** `p1-` and 26 characters of HMAC-SHA256(key, "lv06/reference/1" ‖ 0x00 ‖ UTF-8) in base32. */
  of(reference: string): string {
    const digest = createHmac("sha256", this.#key).update(DOMAIN).update(reference, "utf8").digest();
    return PREFIX + base32(digest, LETTERS);
  }
}
