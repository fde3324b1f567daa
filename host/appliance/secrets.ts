/** The keys that what lies on the disk is encrypted with, and that references leave under: configured, or made once. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { KeyRing, MASTER_KEY_BYTES } from "../base/key-ring.ts";
import { openPrivateFile, PrivateFileError, type PrivateFileFault, readPrivateFile } from "../base/private-file.ts";
import { Pseudonyms, SITE_KEY_BYTES } from "../base/pseudonym.ts";
import { Vault } from "../base/vault.ts";
import { type VaultCode, VaultError } from "../base/vault-error.ts";
import type { Config } from "../config/schema.ts";
import { HIGH_WATER_FILE } from "../store/high-water.ts";
import { KEYS_FOLDER } from "./files.ts";

export const AT_REST_FILE = "at-rest.key";
export const SITE_FILE = "site.key";
const FILE_MAX_BYTES = 4_096;

/** What is read of the configuration. */
export interface SecretsConfig {
  readonly dataDir: string;
  readonly store: Pick<Config["store"], "encryptionKey">;
  readonly privacy: Config["privacy"];
}

export interface Secrets {
  readonly ring: KeyRing;
  readonly vault: Vault;
  readonly pseudonyms: Pseudonyms;
}

export type Random = (bytes: number) => Uint8Array;

const CODES: Readonly<Record<PrivateFileFault, VaultCode>> = {
  permissions: "VAULT_PERMISSIONS",
  form: "VAULT_KEY_FORM",
  io: "VAULT_IO",
};

/** A key in the form that files and configuration have. */
export function newKey(random: Random, bytes: number = MASTER_KEY_BYTES): string {
  return Buffer.from(random(bytes)).toString("hex");
}

/**
 * The appliance's own keys; at the first start those that are neither configured nor there yet are made, in files that
 * only its user may read. Later a key that is gone is not replaced in silence: what was stored, or published, under it
 * would have lost its key without anybody knowing.
 *
 * @throws VaultError VAULT_KEY_FORM; VAULT_KEY_LOST; VAULT_PERMISSIONS where others could read or replace one; VAULT_IO
 */
export function openSecrets(config: SecretsConfig, random: Random): Secrets {
  const folder = join(config.dataDir, KEYS_FOLDER);
  const isFirst = !existsSync(join(config.dataDir, HIGH_WATER_FILE));
  return secretsOf(config, random, (name) => {
    const path = join(folder, name);
    if (!isFirst && !existsSync(path)) throw new VaultError("VAULT_KEY_LOST", `${path} is no longer there`);
    return openPrivateFile({ folder, name, maxBytes: FILE_MAX_BYTES, make: () => `${newKey(random)}\n` });
  });
}

/**
 * The same for whoever only looks things up: makes nothing.
 *
 * @throws VaultError as openSecrets; VAULT_KEY_MISSING where there is none
 */
export function readSecrets(config: SecretsConfig, random: Random): Secrets {
  return secretsOf(config, random, (name) => presentKey(config, name));
}

/** As they would stand in files, for whoever keeps a copy. */
export interface KeyTexts {
  readonly atRest: string;
  readonly site: string;
}

/** The keys in force, wherever they come from; secrets. @throws VaultError as readSecrets */
export function readKeyTexts(config: SecretsConfig): KeyTexts {
  return faulted(() => keyTexts(config, (name) => presentKey(config, name)));
}

function presentKey({ dataDir }: SecretsConfig, name: string): string {
  const path = join(dataDir, KEYS_FOLDER, name);
  const text = readPrivateFile(path, FILE_MAX_BYTES, readerOf(dataDir));
  if (text === undefined) throw new VaultError("VAULT_KEY_MISSING", `there is no ${path}`);
  return text;
}

/** Who may own the keys: root may look things up in the folder of the appliance's user. */
export function readerOf(dataDir: string): number {
  const user = process.getuid?.() ?? 0;
  return user === 0 ? (statSync(dataDir, { throwIfNoEntry: false })?.uid ?? 0) : user;
}

function keyTexts({ store, privacy }: SecretsConfig, read: (name: string) => string): KeyTexts {
  return { atRest: store.encryptionKey ?? read(AT_REST_FILE), site: privacy.siteKey ?? read(SITE_FILE) };
}

function secretsOf(config: SecretsConfig, random: Random, read: (name: string) => string): Secrets {
  return faulted(() => {
    const { atRest, site } = keyTexts(config, read);
    const ring = KeyRing.parse(atRest);
    return { ring, vault: new Vault(ring, { random }), pseudonyms: new Pseudonyms(siteKeyOf(site)) };
  });
}

function faulted<Value>(work: () => Value): Value {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof PrivateFileError)) throw cause;
    throw new VaultError(CODES[cause.fault], cause.message, { cause });
  }
}

/** Not a ring: with another key every reference has another name, which is the only reason to change it. */
function siteKeyOf(text: string): Buffer {
  const digits = text.trim();
  if (digits.length !== 2 * SITE_KEY_BYTES || !/^[0-9a-fA-F]+$/.test(digits))
    throw new VaultError("VAULT_KEY_FORM", `${SITE_FILE} holds no 64 hexadecimal digits`);
  return Buffer.from(digits, "hex");
}

/**
 * One ring's keys, and then those of another that it has not.
 * @throws VaultError VAULT_KEY_FORM where there are too many together
 */
export function joinRings(first: string, second: string): string {
  const has = new Set(KeyRing.parse(first).keys.map(({ id }) => id.toString("hex")));
  const lines = second.split(/\r?\n/).map((line) => line.trim());
  const others = lines.filter((line) => line !== "" && !line.startsWith("#") && !has.has(keyIdOf(line)));
  const joined = [first.trimEnd(), ...others, ""].join("\n");
  KeyRing.parse(joined);
  return joined;
}

function keyIdOf(line: string): string {
  return KeyRing.parse(line).current.id.toString("hex");
}
