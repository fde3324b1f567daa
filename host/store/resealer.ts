/** After a change of keys: what an older key encrypted is encrypted with the current one. Inside the caller's transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { errorCode } from "../base/error.ts";
import { keysOf, type Row, type Rows } from "./rows.ts";

/** As two ranges: an index serves those, and not an inequality. */
const OLD = "(keyId < :key OR keyId > :key)";

interface Table {
  readonly keys: StatementSync;
  /** Of one key, by their number, after one. */
  readonly page: StatementSync;
  readonly numberOf: (row: Row) => number;
  readonly reseal: (row: Row) => void;
  /** Key → the last row that was tried. */
  readonly tried: Map<string, number>;
}

export class Resealer {
  readonly #rows: Rows;
  readonly #tables: readonly Table[];
  readonly #setResult: StatementSync;
  readonly #setMessage: StatementSync;
  readonly #remaining: StatementSync;

  constructor(db: DatabaseSync, rows: Rows) {
    this.#rows = rows;
    const table = (name: "results" | "outbox", number: string, reseal: (row: Row) => void): Table => ({
      keys: db.prepare(keysOf(name)),
      page: db.prepare(`SELECT * FROM ${name} WHERE keyId = ? AND ${number} > ? ORDER BY ${number} LIMIT ?`),
      numberOf: (row) => Number(row[number]),
      reseal,
      tried: new Map(),
    });
    this.#tables = [
      table("results", "sequence", (row) => this.#resealResult(row)),
      table("outbox", "position", (row) => this.#resealMessage(row)),
    ];
    this.#setResult = db.prepare(
      "UPDATE results SET referenceTag = ?, pseudonymTag = ?, fileTag = ?, keyId = ?, body = ? WHERE sequence = ?",
    );
    this.#setMessage = db.prepare("UPDATE outbox SET keyId = ?, payload = ? WHERE position = ?");
    this.#remaining = db.prepare(
      `SELECT (SELECT count(*) FROM results WHERE ${OLD}) + (SELECT count(*) FROM outbox WHERE ${OLD}) AS remaining`,
    );
  }

  /** Rows that another key than the current one encrypted. */
  get remaining(): number {
    return Number(this.#remaining.get({ key: this.#rows.currentKeyId })?.remaining);
  }

  /** @returns how many rows were tried; what does not open is left as it is, for others to find, and not tried again */
  reseal(most: number): number {
    let left = most;
    for (const table of this.#tables) {
      for (const { id } of table.keys.all()) {
        if (left > 0 && id instanceof Uint8Array) left -= this.#resealUnder(table, id, left);
      }
    }
    return most - left;
  }

  /** What was tried was undone. */
  again(): void {
    for (const { tried } of this.#tables) tried.clear();
  }

  #resealUnder({ page, numberOf, reseal, tried }: Table, keyId: Uint8Array, most: number): number {
    if (Buffer.from(this.#rows.currentKeyId).equals(keyId)) return 0;
    const key = Buffer.from(keyId).toString("hex");
    const rows = page.all(keyId, tried.get(key) ?? 0, most);
    for (const row of rows) {
      ifItOpens(() => reseal(row));
      tried.set(key, numberOf(row));
    }
    return rows.length;
  }

  #resealResult(row: Row): void {
    const result = this.#rows.result(row);
    const { referenceTag, pseudonymTag, fileTag, keyId, body } = this.#rows.sealResult(result);
    this.#setResult.run(referenceTag, pseudonymTag, fileTag, keyId, body, result.sequence);
  }

  #resealMessage(row: Row): void {
    const message = this.#rows.message(row);
    const { keyId, payload } = this.#rows.sealMessage(message);
    this.#setMessage.run(keyId, payload, message.position);
  }
}

/** Damaged rows must not keep all others under the old key. */
function ifItOpens(reseal: () => void): void {
  try {
    reseal();
  } catch (error) {
    if (!["STORE_DAMAGED", "VAULT_KEY_UNKNOWN"].includes(errorCode(error))) throw error;
  }
}
