/** What the commands that read the appliance's database share. */
import { join } from "node:path";
import { RESULTS_FILE } from "../appliance/files.ts";
import type { Config } from "../config/schema.ts";
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

/** @throws StoreError */
export function openStore({ dataDir }: Config): ResultReader {
  return ResultReader.open(join(dataDir, RESULTS_FILE));
}

/** @throws StoreError */
export function readStore<Value>(config: Config, work: (reader: ResultReader) => Value): Value {
  const reader = openStore(config);
  try {
    return work(reader);
  } finally {
    reader.close();
  }
}
