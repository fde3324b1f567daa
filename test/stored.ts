/** The database of an appliance of a test, with the keys that it made for itself. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { readSecrets } from "../host/appliance/secrets.ts";
import { ResultReader } from "../host/store/reader.ts";

/** Nothing of them is configured. */
export const KEYS_IN_FILES = {
  store: { encryptionKey: null },
  privacy: { reference: "pseudonym", siteKey: null },
} as const;

export function openStored(dataDir: string): ResultReader {
  const { vault } = readSecrets({ dataDir, ...KEYS_IN_FILES }, randomBytes);
  return ResultReader.open(join(dataDir, "results.db"), vault);
}
