/** Ed25519 (RFC 8032) over raw 32-byte keys, and the short name of a key. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { taggedSha256 } from "../work/sha256.ts";
import { SealError } from "./error.ts";
import { expectDigest } from "./fields.ts";

/** What stands before the 32 bytes of a seed in PKCS #8 (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

function rawPublicKey(key: KeyObject): Buffer {
  const { x } = key.export({ format: "jwk" });
  return Buffer.from(x ?? "", "base64url");
}

/** The appliance's key: signs, and never gives its secret away but to `pem`. */
export class SigningKey {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  readonly #secret: KeyObject;

  private constructor(secret: KeyObject) {
    this.#secret = secret;
    this.publicKey = rawPublicKey(createPublicKey(secret));
  }

  /** @param seed 32 random bytes @throws SealError SEAL_LENGTH */
  static ofSeed(seed: Uint8Array): SigningKey {
    expectDigest("seed", seed);
    return new SigningKey(createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" }));
  }

  /** @throws SealError SEAL_KEY_DAMAGED unless the text is an unencrypted Ed25519 key */
  static ofPem(pem: string): SigningKey {
    let secret: KeyObject;
    try {
      secret = createPrivateKey({ key: pem, format: "pem" });
    } catch (cause) {
      throw new SealError("SEAL_KEY_DAMAGED", "the file holds no private key", { cause });
    }
    if (secret.asymmetricKeyType === "ed25519") return new SigningKey(secret);
    throw new SealError("SEAL_KEY_DAMAGED", `the key is of type ${secret.asymmetricKeyType}, not ed25519`);
  }

  /** The secret, for its file. */
  pem(): string {
    return this.#secret.export({ format: "pem", type: "pkcs8" }).toString();
  }

  /** @returns 64 bytes */
  sign(message: Uint8Array): Buffer {
    return sign(null, message, this.#secret);
  }
}

/** A public key ready to verify with. */
export class VerifyingKey {
  /** 64 lowercase hex digits. */
  readonly hex: string;
  readonly #key: KeyObject;

  /** @param publicKey 32 bytes @throws SealError SEAL_LENGTH */
  constructor(publicKey: Uint8Array) {
    expectDigest("public key", publicKey);
    const bytes = Buffer.from(publicKey);
    this.hex = bytes.toString("hex");
    this.#key = createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") },
      format: "jwk",
    });
  }

  /** Whether the signature, 64 bytes, is this key's over the message. False for a key that is no point. */
  verifies(message: Uint8Array, signature: Uint8Array): boolean {
    return verify(null, message, this.#key, signature);
  }
}

/** A key's short name for logs and screens: 16 hex digits; what is trusted is the whole key. */
export function keyId(publicKey: Uint8Array): string {
  return taggedSha256("lv06/key/1", publicKey).toString("hex").slice(0, 16);
}
