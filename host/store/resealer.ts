/** After a change of keys: what an older key encrypted is encrypted with the current one. Inside the caller's transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { errorCode } from "../base/error.ts";
import type { Row, Rows } from "./rows.ts";

/** As two ranges: an index serves those, and not an inequality. */
const OLD = "(keyId < :key OR keyId > :key)";

export class Resealer {
  readonly #rows: Rows;
  readonly #results: StatementSync;
  readonly #messages: StatementSync;
  readonly #setResult: StatementSync;
  readonly #setMessage: StatementSync;
  readonly #remaining: StatementSync;

  constructor(db: DatabaseSync, rows: Rows) {
    this.#rows = rows;
    this.#results = db.prepare(`SELECT * FROM results WHERE ${OLD} LIMIT :most`);
    this.#messages = db.prepare(`SELECT * FROM outbox WHERE ${OLD} LIMIT :most`);
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

  /** @returns how many rows; what does not open is left as it is, for others to find */
  reseal(most: number): number {
    const key = this.#rows.currentKeyId;
    const results = this.#results.all({ key, most }).filter((row) => opened(() => this.#resealResult(row)));
    const messages = this.#messages
      .all({ key, most: most - results.length })
      .filter((row) => opened(() => this.#resealMessage(row)));
    return results.length + messages.length;
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

/** One damaged row must not keep all others under the old key. */
function opened(reseal: () => void): boolean {
  try {
    reseal();
    return true;
  } catch (error) {
    if (errorCode(error) === "STORE_DAMAGED") return false;
    throw error;
  }
}
