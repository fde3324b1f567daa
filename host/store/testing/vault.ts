/** A vault with keys that are no secret. */
import { randomBytes } from "node:crypto";
import { KeyRing } from "../../base/key-ring.ts";
import { Vault } from "../../base/vault.ts";

/** @param bytes one for each key, the current one first */
export function sampleVault(...bytes: readonly [number, ...number[]]): Vault {
  const keys = bytes.map((byte) => Buffer.concat([Buffer.alloc(31, byte), Buffer.of(255 - byte)]).toString("hex"));
  return new Vault(KeyRing.parse(keys.join("\n")), { random: randomBytes });
}
