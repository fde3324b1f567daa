/**
 * Encryption of what lies on the disk, and tags to look it up by.
 *
 * AES-256-GCM with a random nonce; a key of its own for each purpose. The nonces allow 2^32 messages a key and
 * purpose (NIST SP 800-38D §8.3): a year at a hundred a second, after which a new master key is due.
 */
import { createCipheriv, createDecipheriv, createHmac, type KeyObject, webcrypto } from "node:crypto";
import type { KeyRing, MasterKey } from "./key-ring.ts";
import { VaultError } from "./vault-error.ts";

const VERSION = 0x01;
const NONCE_BYTES = 12;
const AUTH_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES;
export const TAG_BYTES = 16;
/** What sealing adds to a plaintext. */
export const SEALED_EXTRA_BYTES = HEAD_BYTES + AUTH_BYTES;

export interface Sealed {
  /** 8 bytes: which key; to be kept beside the bytes. */
  readonly keyId: Buffer;
  /** 0x01 ‖ nonce 12 ‖ ciphertext ‖ authentication tag 16. */
  readonly bytes: Buffer;
}

export interface VaultOptions {
  /** So many bytes from a cryptographic source. */
  readonly random: (bytes: number) => Uint8Array;
}

const NOT_AS_WRITTEN = "it does not belong where it stands, or is not what was written";
const idText = (keyId: Uint8Array) => Buffer.from(keyId).toString("hex");

export class Vault {
  readonly #ring: KeyRing;
  readonly #random: VaultOptions["random"];
  /** By master key and use. Both are few: keys by the ring's limit, uses by the code that names them. */
  readonly #derived = new Map<string, KeyObject>();

  constructor(ring: KeyRing, { random }: VaultOptions) {
    this.#ring = ring;
    this.#random = random;
  }

  /** Of the key that `seal` uses. */
  get currentKeyId(): Buffer {
    return this.#ring.current.id;
  }

  /** Whether what was sealed under this key can be opened. */
  knows(keyId: Uint8Array): boolean {
    return this.#ring.byId(keyId) !== undefined;
  }

  /**
   * Under the current key.
   *
   * @param purpose what is encrypted, one of a few fixed words: what was sealed for one purpose opens for no other
   * @param aad where it belongs, such as its row's id; not stored, and needed as it was to open it
   */
  seal(purpose: string, plaintext: Uint8Array, aad: Uint8Array | string): Sealed {
    const nonce = this.#nonce();
    const key = this.#ring.current;
    const cipher = createCipheriv("aes-256-gcm", this.#key(key, `lv06/at-rest/1 ${purpose}`), nonce);
    cipher.setAAD(Buffer.from(aad));
    const body = cipher.update(plaintext);
    cipher.final();
    return { keyId: key.id, bytes: Buffer.concat([Buffer.of(VERSION), nonce, body, cipher.getAuthTag()]) };
  }

  /**
   * @throws VaultError VAULT_KEY_UNKNOWN where the key is not in the ring: nothing is said about the bytes;
   *   VAULT_DAMAGED where a bit of them, of the aad or the purpose is not as it was
   */
  open(purpose: string, keyId: Uint8Array, bytes: Uint8Array, aad: Uint8Array | string): Buffer {
    const secret = this.#keyFor(purpose, keyId, bytes);
    const end = bytes.length - AUTH_BYTES;
    const decipher = createDecipheriv("aes-256-gcm", secret, bytes.subarray(1, HEAD_BYTES), {
      authTagLength: AUTH_BYTES,
    });
    decipher.setAAD(Buffer.from(aad));
    decipher.setAuthTag(bytes.subarray(end));
    const plaintext = decipher.update(bytes.subarray(HEAD_BYTES, end));
    try {
      decipher.final();
    } catch (cause) {
      throw damaged(purpose, NOT_AS_WRITTEN, cause);
    }
    return plaintext;
  }

  /** As `seal`, beside the event loop: for what is so large that others would wait for it. */
  async sealAside(purpose: string, plaintext: Uint8Array, aad: Uint8Array | string): Promise<Sealed> {
    const nonce = this.#nonce();
    const key = this.#ring.current;
    const secret = this.#asideKey(this.#key(key, `lv06/at-rest/1 ${purpose}`));
    const body = await webcrypto.subtle.encrypt(gcm(nonce, aad), secret, Buffer.from(plaintext));
    return { keyId: key.id, bytes: Buffer.concat([Buffer.of(VERSION), nonce, Buffer.from(body)]) };
  }

  /** As `open`, beside the event loop. @throws VaultError as open */
  async openAside(purpose: string, keyId: Uint8Array, bytes: Uint8Array, aad: Uint8Array | string): Promise<Buffer> {
    const secret = this.#asideKey(this.#keyFor(purpose, keyId, bytes));
    try {
      const body = Buffer.from(bytes.subarray(HEAD_BYTES));
      return Buffer.from(await webcrypto.subtle.decrypt(gcm(bytes.subarray(1, HEAD_BYTES), aad), secret, body));
    } catch (cause) {
      throw damaged(purpose, NOT_AS_WRITTEN, cause);
    }
  }

  /** 16 bytes to find a value by without storing it: equal values have equal tags under one key. */
  tag(purpose: string, value: Uint8Array | string): Buffer {
    return this.#tagUnder(this.#ring.current, purpose, value);
  }

  /** The value's tag under each key of the ring, the current one first: what was stored before a change of keys is found too. */
  tags(purpose: string, value: Uint8Array | string): readonly Buffer[] {
    return this.#ring.keys.map((key) => this.#tagUnder(key, purpose, value));
  }

  #nonce(): Uint8Array {
    const nonce = this.#random(NONCE_BYTES);
    if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce of ${nonce.length} bytes`);
    return nonce;
  }

  /** That opens these bytes, if anything does. @throws VaultError */
  #keyFor(purpose: string, keyId: Uint8Array, bytes: Uint8Array): KeyObject {
    const key = this.#ring.byId(keyId);
    if (key === undefined)
      throw new VaultError("VAULT_KEY_UNKNOWN", `${purpose} is encrypted with key ${idText(keyId)}`);
    if (bytes.length < SEALED_EXTRA_BYTES) throw damaged(purpose, `${bytes.length} bytes are too few`);
    if (bytes[0] !== VERSION) throw damaged(purpose, `its form is ${bytes[0]}, not ${VERSION}`);
    return this.#key(key, `lv06/at-rest/1 ${purpose}`);
  }

  #asideKey(key: KeyObject): webcrypto.CryptoKey {
    return key.toCryptoKey({ name: "AES-GCM" }, false, ["encrypt", "decrypt"]);
  }

  #tagUnder(key: MasterKey, purpose: string, value: Uint8Array | string): Buffer {
    const secret = this.#key(key, `lv06/tag/1 ${purpose}`);
    return createHmac("sha256", secret).update(value).digest().subarray(0, TAG_BYTES);
  }

  #key(master: MasterKey, info: string): KeyObject {
    const name = `${idText(master.id)} ${info}`;
    const present = this.#derived.get(name);
    if (present !== undefined) return present;
    const derived = master.derive(info);
    this.#derived.set(name, derived);
    return derived;
  }
}

function gcm(nonce: Uint8Array, aad: Uint8Array | string) {
  return { name: "AES-GCM", iv: Buffer.from(nonce), additionalData: Buffer.from(aad), tagLength: 8 * AUTH_BYTES };
}

function damaged(purpose: string, why: string, cause?: unknown): VaultError {
  return new VaultError("VAULT_DAMAGED", `${purpose} does not open: ${why}`, cause === undefined ? {} : { cause });
}
