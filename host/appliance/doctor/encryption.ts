/** The keys that stored data are encrypted with: where they come from, and whether the store opens with them. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../base/error.ts";
import type { Config } from "../../config/schema.ts";
import { ResultReader } from "../../store/reader.ts";
import { RESULTS_FILE } from "../files.ts";
import { readSecrets, type Secrets } from "../secrets.ts";
import { type Finding, failed, note, ok } from "./finding.ts";

/** @throws VaultError */
export function encryptionChecks(config: Config): readonly Finding[] {
  const results = join(config.dataDir, RESULTS_FILE);
  const secrets = secretsOf(config, existsSync(results));
  if (secrets === undefined) return [ok("encryption", "keys that are not configured are made at the first start")];
  const words = `encrypted with key ${secrets.ring.current.id.toString("hex")}`;
  const origin =
    config.store.encryptionKey === null
      ? note("encryption", "DOCTOR_KEY_BESIDE", `${words}, which lies in ${config.dataDir} itself`)
      : ok("encryption", `${words}, from the configuration`);
  return existsSync(results) ? [origin, ...unopened(results, secrets)] : [origin];
}

/** undefined where they are still to be made: nothing was stored with them yet. */
function secretsOf(config: Config, needed: boolean): Secrets | undefined {
  try {
    return readSecrets(config, randomBytes);
  } catch (error) {
    if (errorCode(error) === "VAULT_KEY_MISSING" && !needed) return undefined;
    throw error;
  }
}

function unopened(path: string, { vault }: Secrets): readonly Finding[] {
  try {
    ResultReader.open(path, vault).close();
    return [];
  } catch (error) {
    const finding = failed("encryption", error);
    // It is brought up to date, and encrypted, at the next start.
    return [errorCode(error) === "STORE_OLDER" ? { ...finding, verdict: "note" } : finding];
  }
}
