/** Everything that can be told of a database: its pages and indexes, and whether each row opens. Only read. */
import { existsSync } from "node:fs";
import type { Vault } from "../base/vault.ts";
import { openDatabase, openReadOnly, translated } from "./database.ts";
import { StoreError } from "./errors.ts";
import { resultsSchema } from "./migrations.ts";
import { ResultReader } from "./reader.ts";
import { RESTORED_FROM, type SalvageReport } from "./rescue.ts";

const FAULTS_MAX = 20;
const PAGE = 256;

export interface StoreCheck {
  readonly results: number;
  /** In the outbox, but for those that were set aside there. */
  readonly messages: number;
  /** What is wrong with pages and indexes, in SQLite's words; at most 20. */
  readonly faults: readonly string[];
  /** Results and messages that do not open. */
  readonly unopened: readonly { readonly id: string; readonly code: string }[];
  /** What was saved of a damaged one before it, and nobody has accepted yet. */
  readonly salvaged: SalvageReport | null;
}

/** Also while the appliance runs. @throws StoreError; not STORE_DAMAGED, which is among the faults; VaultError VAULT_KEY_UNKNOWN */
export function checkStore(path: string, vault: Vault): StoreCheck {
  const found: Found = { results: 0, messages: 0, faults: [], unopened: [], salvaged: null };
  collect(found, () => found.faults.push(...faultsOf(path, vault)));
  collect(found, () => {
    const reader = ResultReader.open(path, vault);
    try {
      found.salvaged = salvagedIn(reader.meta(RESTORED_FROM));
      countResults(reader, found);
      countMessages(reader, found);
    } finally {
      reader.close();
    }
  });
  return found;
}

interface Found extends StoreCheck {
  results: number;
  messages: number;
  readonly faults: string[];
  readonly unopened: { readonly id: string; readonly code: string }[];
  salvaged: SalvageReport | null;
}

/** Where SQLite reads no further that is a fault, and what was found before it counts. */
function collect({ faults }: Found, look: () => void): void {
  try {
    look();
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "STORE_DAMAGED") throw error;
    faults.push(error.detail);
  }
}

function countResults(reader: ResultReader, found: Found): void {
  for (let from = 1; ; ) {
    let last = 0;
    const page = reader.listFrom(from, PAGE, ({ sequence, resultId: id }, code) => {
      found.unopened.push({ id, code });
      last = Math.max(last, sequence);
    });
    found.results += page.length;
    last = Math.max(last, page.at(-1)?.sequence ?? 0);
    if (last === 0) return;
    from = last + 1;
  }
}

function countMessages(reader: ResultReader, found: Found): void {
  for (let after = 0; ; ) {
    const page = reader.outbox(PAGE, after, ({ messageId: id }, code) => found.unopened.push({ id, code }));
    found.messages += page.length;
    if (page.length === 0) return;
    after = page.at(-1)?.position ?? after;
  }
}

/** What was saved is what there is: the alarm ends. @returns what it was; null where nothing was to be accepted @throws StoreError */
export function acceptSalvaged(path: string, vault: Vault): SalvageReport | null {
  return translated(path, () => {
    if (!existsSync(path)) throw new StoreError("STORE_MISSING", `${path} does not exist`);
    const db = openDatabase(path, resultsSchema(vault), { checkIntegrity: false });
    try {
      return salvagedIn(db.prepare("DELETE FROM meta WHERE name = ? RETURNING value").get(RESTORED_FROM)?.value);
    } finally {
      db.close();
    }
  });
}

function faultsOf(path: string, vault: Vault): string[] {
  return translated(path, () => {
    const db = openReadOnly(path, resultsSchema(vault));
    try {
      const rows = db.prepare(`PRAGMA integrity_check(${FAULTS_MAX})`).all();
      return rows.map((row) => String(row.integrity_check)).filter((verdict) => verdict !== "ok");
    } finally {
      db.close();
    }
  });
}

function salvagedIn(value: unknown): SalvageReport | null {
  return typeof value === "string" ? (JSON.parse(value) as SalvageReport) : null;
}
