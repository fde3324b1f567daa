/** What the commands that read the appliance's database share. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RESULTS_FILE } from "../appliance/files.ts";
import { readSecrets } from "../appliance/secrets.ts";
import type { Config } from "../config/schema.ts";
import { StoreError } from "../store/errors.ts";
import { ResultReader } from "../store/reader.ts";
import { UsageError } from "./error.ts";

const LIMIT_MAX = 10_000;
export const LIMIT = ["--limit <n>", "how many at most, 1 to 10,000", "20"] as const;

/** @throws UsageError USAGE_OPTION */
export function limitOf({ limit }: { readonly limit: string }): number {
  return wholeNumber("--limit", limit, LIMIT_MAX);
}

/** @throws UsageError USAGE_OPTION */
export function wholeNumber(option: string, text: string, highest: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= highest) return value;
  throw new UsageError("USAGE_OPTION", `${option} ${text} is not a whole number from 1 to ${highest}`);
}

/** @throws StoreError; VaultError */
export function openStore(config: Config): ResultReader {
  const path = join(config.dataDir, RESULTS_FILE);
  // Before the first start there is no key either, and that is not what is to be said.
  if (!existsSync(path)) throw new StoreError("STORE_MISSING", `${path} does not exist`);
  return ResultReader.open(path, readSecrets(config, randomBytes).vault);
}

/** @throws StoreError; VaultError */
export function readStore<Value>(config: Config, work: (reader: ResultReader) => Value): Value {
  const reader = openStore(config);
  try {
    return work(reader);
  } finally {
    reader.close();
  }
}
