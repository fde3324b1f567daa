import { codedErrors } from "./error.ts";

export const VAULT_ERRORS = {
  VAULT_KEY_FORM:
    "Give one key a line, 64 hex digits or base64 of 32 random bytes, at most 16, the current one first; `lv06 keys new` makes one.",
  VAULT_KEY_UNKNOWN:
    "Nothing is damaged: the key that this was encrypted with is not among those given. Put it back, as a further line below the current one.",
  VAULT_KEY_MISSING:
    "Look things up where the appliance's data folder and its keys are, after its first start; or give the keys in store.encryptionKey and privacy.siteKey.",
  VAULT_KEY_LOST:
    "Put the key back: a backup that was made with --with-keys has it. If it is lost for good, `lv06 keys new` makes another one for its place: without the former site.key nobody can link new pseudonyms to old ones, without the former at-rest.key nobody can read results.db, which is to be moved away then.",
  VAULT_SITE_KEY_CHANGED:
    "References leave under other pseudonyms than before: put the former key back (privacy.siteKey, or keys/site.key) unless it was changed on purpose.",
  VAULT_DAMAGED:
    "What was encrypted has been changed or moved since: restore it from a backup, and check the disk that it lay on.",
  VAULT_PERMISSIONS:
    "Others could read or replace a key of the appliance: give folder and file to the appliance's user alone (chmod 700 and 600), and consider making a new key.",
  VAULT_IO:
    "Check that the file and its folder can be read and written by the appliance's user, and that the disk has space.",
} as const;

export type VaultCode = keyof typeof VAULT_ERRORS;

export class VaultError extends codedErrors(VAULT_ERRORS) {}
