/** The keys that data at rest are encrypted with: one to write with, older ones to read what they wrote. */
import { createHash, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { VaultError } from "./vault-error.ts";

export const MASTER_KEY_BYTES = 32;
export const KEY_ID_BYTES = 8;
const KEYS_MAX = 16;
const TEXT_MAX_CHARACTERS = 4096;
const ID_DOMAIN = "lv06/key-id/1\0";

/** One master key. It is never used itself, only to derive keys from, and does not show itself when printed. */
export class MasterKey {
  /** 8 bytes that name the key and tell nothing of it. */
  readonly id: Buffer;
  readonly #secret: KeyObject;

  /** @param secret 32 bytes */
  constructor(secret: Uint8Array) {
    if (secret.length !== MASTER_KEY_BYTES) throw new VaultError("VAULT_KEY_FORM", `a key has ${secret.length} bytes`);
    if (secret.every((byte) => byte === secret[0]))
      throw new VaultError("VAULT_KEY_FORM", "a key is one byte repeated");
    this.#secret = createSecretKey(secret);
    this.id = createHash("sha256").update(ID_DOMAIN).update(secret).digest().subarray(0, KEY_ID_BYTES);
  }

  /** HKDF-SHA256 (RFC 5869) without a salt: a key of 32 bytes for one use. */
  derive(info: string): KeyObject {
    return createSecretKey(Buffer.from(hkdfSync("sha256", this.#secret, "", info, 32)));
  }
}

const HEX = /^[0-9a-fA-F]{64}$/;
/** 32 bytes are 43 digits and a mark. */
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/** The message names the line, never what stands in it. */
function keyOf(text: string, line: number): MasterKey {
  const form = HEX.test(text) ? "hex" : BASE64.test(text) ? "base64" : undefined;
  if (form === undefined) throw new VaultError("VAULT_KEY_FORM", `line ${line} is no key`);
  try {
    return new MasterKey(Buffer.from(text, form));
  } catch (cause) {
    throw new VaultError("VAULT_KEY_FORM", `line ${line} is no key that may be used`, { cause });
  }
}

export class KeyRing {
  /** What is written from now on is written with it. */
  readonly current: MasterKey;
  /** Newest first. */
  readonly keys: readonly MasterKey[];

  private constructor(keys: readonly [MasterKey, ...MasterKey[]]) {
    this.current = keys[0];
    this.keys = keys;
  }

  /**
   * @param text one key a line, 64 hex digits or base64 of 32 bytes, the current one first; empty lines and lines
   *   that begin with # do not count
   * @throws VaultError VAULT_KEY_FORM
   */
  static parse(text: string): KeyRing {
    if (text.length > TEXT_MAX_CHARACTERS) throw new VaultError("VAULT_KEY_FORM", `${text.length} characters of keys`);
    const lines = text.split(/\r?\n/).map((line, index) => ({ text: line.trim(), number: index + 1 }));
    const keys = lines
      .filter(({ text }) => text !== "" && !text.startsWith("#"))
      .map(({ text, number }) => keyOf(text, number));
    const [first, ...others] = keys;
    if (first === undefined) throw new VaultError("VAULT_KEY_FORM", "there is no key");
    if (keys.length > KEYS_MAX) throw new VaultError("VAULT_KEY_FORM", `${keys.length} keys, at most ${KEYS_MAX}`);
    if (new Set(keys.map(({ id }) => id.toString("hex"))).size !== keys.length)
      throw new VaultError("VAULT_KEY_FORM", "one key stands there twice");
    return new KeyRing([first, ...others]);
  }

  byId(id: Uint8Array): MasterKey | undefined {
    return this.keys.find((key) => key.id.equals(id));
  }
}
