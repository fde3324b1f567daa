/** Which keys are in force once a backup is restored. None that lies here is given up: what it encrypted goes on opening. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../base/error.ts";
import { KeyRing } from "../../base/key-ring.ts";
import { syncFolder } from "../../base/private-file.ts";
import { Vault } from "../../base/vault.ts";
import type { Config } from "../../config/schema.ts";
import { SIGNING_KEY_FILE } from "../../seal/key-file.ts";
import { KEYS_FOLDER } from "../files.ts";
import { AT_REST_FILE, joinRings, type Random, SITE_FILE } from "../secrets.ts";
import { BackupError } from "./error.ts";

export interface KeyPlan {
  /** Opens what is restored, and what lies here. */
  readonly vault: Vault;
  /** What is to be written; empty where the keys that are here are enough. */
  readonly files: readonly KeyFile[];
}

interface KeyFile {
  readonly name: string;
  readonly text: string;
}

/**
 * @param folder of the keys in the backup; it may be missing
 * @throws BackupError BACKUP_KEYS; VaultError VAULT_KEY_FORM
 */
export function planKeys({ dataDir, store, privacy }: Config, folder: string, random: Random): KeyPlan {
  const chosen = (name: string, both: (brought: string, present: string) => string) => {
    const [brought, present] = [textOf(folder, name), textOf(join(dataDir, KEYS_FOLDER), name)];
    const text = brought !== undefined && present !== undefined ? both(brought, present) : (brought ?? present);
    return { name, text, isNew: text !== undefined && text !== present };
  };
  const configured = (name: string, text: string) => ({ name, text, isNew: false });
  const { encryptionKey } = store;
  const atRest = encryptionKey === null ? chosen(AT_REST_FILE, enough) : configured(AT_REST_FILE, encryptionKey);
  const site = privacy.siteKey === null ? chosen(SITE_FILE, first) : configured(SITE_FILE, privacy.siteKey);
  const missing = [atRest, site].find(({ text }) => text === undefined);
  if (missing) throw new BackupError("BACKUP_KEYS", `${missing.name} is neither here nor in the backup`);
  const files = [atRest, site, chosen(SIGNING_KEY_FILE, first)].flatMap(({ name, text, isNew }) =>
    text !== undefined && isNew ? [{ name, text }] : [],
  );
  return { vault: new Vault(KeyRing.parse(atRest.text ?? ""), { random }), files };
}

/**
 * Durable when it returns; a key that is replaced lies in `aside` before, and no moment is without one.
 * @returns names of those that were set aside
 */
export function writeKeys({ dataDir }: Config, { files }: KeyPlan, aside: string): readonly string[] {
  const folder = join(dataDir, KEYS_FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const replaced = files.filter(({ name }) => textOf(folder, name) !== undefined);
  if (replaced.length > 0) {
    mkdirSync(join(aside, KEYS_FOLDER), { mode: 0o700 });
    for (const { name } of replaced) linkSync(join(folder, name), join(aside, KEYS_FOLDER, name));
    syncFolder(join(aside, KEYS_FOLDER));
  }
  for (const { name, text } of files) {
    const beside = join(folder, `${name}.new`);
    rmSync(beside, { force: true });
    writeFileSync(beside, text, { mode: 0o600, flag: "wx", flush: true });
    renameSync(beside, join(folder, name));
  }
  syncFolder(folder);
  return replaced.map(({ name }) => `${KEYS_FOLDER}/${name}`);
}

/** The ring that is here where it has all that is brought, else both. */
function enough(brought: string, present: string): string {
  const ring = KeyRing.parse(present);
  return KeyRing.parse(brought).keys.every(({ id }) => ring.byId(id)) ? present : joinRings(brought, present);
}

function first(brought: string): string {
  return brought;
}

function textOf(folder: string, name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
