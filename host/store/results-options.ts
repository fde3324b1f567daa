/** What the durable database is opened with. */
import type { Vault } from "../base/vault.ts";
import type { OpenOptions } from "./database.ts";

export interface ResultStoreOptions extends OpenOptions {
  readonly path: string;
  /** Encrypts what is stored, and opens what was stored under an older key. */
  readonly vault: Vault;
  /** Wall clock, ms since 1970 UTC. */
  readonly utcMs: () => number;
  /** Messages that may wait; default 100,000. */
  readonly outboxMaxRows?: number;
  /** Payload bytes that may wait; default 256 MiB. */
  readonly outboxMaxBytes?: number;
  /** SQLite found the file damaged, and nothing more can be relied on: the next `openResultStore` saves what can be saved. */
  readonly damaged?: () => void;
}

export const OUTBOX_LIMITS = { outboxMaxRows: 100_000, outboxMaxBytes: 256 * 2 ** 20 } as const;
