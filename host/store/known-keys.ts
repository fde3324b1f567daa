/**
 * Which keys have encrypted anything here, so that a key that is missing can be told from the name of a key that was
 * damaged.
 *
 * Every key is noted in the database before anything is encrypted with it. A row that names another one has a damaged
 * name, unless several rows agree on it: damage does not repeat itself, and a version that noted no keys may have
 * written them. Where nothing is noted every name is believed: a missing key must never be taken for damage.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Vault } from "../base/vault.ts";
import { openReadOnly, translated } from "./database.ts";
import { resultsSchema } from "./migrations.ts";
import { keysOf } from "./rows.ts";

const NOTE = "keyIds";
/** So many rows name no key by accident. */
export const AGREEING = 4;

export class KnownKeys {
  readonly #db: DatabaseSync;
  readonly #note: StatementSync;
  readonly #agreeing: StatementSync;
  readonly #named: readonly StatementSync[];

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#note = db.prepare("SELECT value FROM meta WHERE name = ?");
    this.#agreeing = db.prepare(
      `SELECT count(*) AS rows FROM (
         SELECT 1 FROM results WHERE keyId = :id UNION ALL SELECT 1 FROM outbox WHERE keyId = :id LIMIT ${AGREEING}
       )`,
    );
    this.#named = [db.prepare(keysOf("results")), db.prepare(keysOf("outbox"))];
  }

  /** Those that rows name, damaged names left out. */
  inUse(): readonly Uint8Array[] {
    const named = this.#named.flatMap((statement) => statement.all().map(({ id }) => id));
    const ids = named.flatMap((id) => (id instanceof Uint8Array ? [Buffer.from(id)] : []));
    const distinct = [...new Map(ids.map((id) => [hexOf(id), id])).values()];
    return distinct.filter((id) => !this.isDamaged(id));
  }

  /** Whether this is the damaged name of a key. Asked only of one that is not at hand. */
  isDamaged(keyId: Uint8Array): boolean {
    const noted = this.#noted();
    if (noted === undefined || noted.has(hexOf(keyId))) return false;
    return Number(this.#agreeing.get({ id: keyId })?.rows) < AGREEING;
  }

  /**
   * Before anything is written under the vault's current key. Where the disk does not take it, what is stored can still be
   * read, and the next start notes it.
   */
  note({ currentKeyId }: Pick<Vault, "currentKeyId">): void {
    const noted = this.#noted();
    const ids = new Set([...(noted ?? []), ...[currentKeyId, ...this.inUse()].map(hexOf)]);
    if (noted?.size === ids.size) return;
    try {
      this.#db
        .prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .run(NOTE, [...ids].join(" "));
    } catch {
      // As above.
    }
  }

  #noted(): ReadonlySet<string> | undefined {
    const text = this.#note.get(NOTE)?.value;
    return typeof text === "string" ? new Set(text.split(" ")) : undefined;
  }
}

/**
 * How many results and waiting messages each key encrypts, by its id in lowercase hex; damaged names among them.
 * @throws StoreError as openReadOnly
 */
export function rowsByKey(path: string, vault: Vault): ReadonlyMap<string, number> {
  const db = openReadOnly(path, resultsSchema(vault));
  try {
    return translated(path, () => {
      const count = "SELECT keyId, count(*) AS rows FROM";
      const sql = `${count} (SELECT keyId FROM results UNION ALL SELECT keyId FROM outbox) GROUP BY keyId`;
      const named = db.prepare(sql).all();
      return new Map(named.map(({ keyId, rows }) => [keyId instanceof Uint8Array ? hexOf(keyId) : "", Number(rows)]));
    });
  } finally {
    db.close();
  }
}

function hexOf(id: Uint8Array): string {
  return Buffer.from(id).toString("hex");
}
