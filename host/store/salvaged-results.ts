/** Results of a damaged database: those that open, and agree with what binds them. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { errorCode } from "../base/error.ts";
import type { Vault } from "../base/vault.ts";
import type { Found } from "./found-rows.ts";
import type { Rescue } from "./rescue.ts";
import type { Rows } from "./rows.ts";
import { same } from "./salvaged-seals.ts";
import type { StoredResult } from "./schema.ts";

export interface SalvageTools {
  readonly vault: Vault;
  readonly rows: Rows;
  readonly rescue: Rescue;
}

/** What stands for the signature of a commitment that is lost: whoever has the key signs what another has signed. */
const UNSIGNED = { signature: new Uint8Array(64), publicKey: new Uint8Array(32) };

export class SalvagedResults {
  /** Of rows under keys that are not known. */
  readonly strangeKeys: Uint8Array[] = [];
  readonly #tools: SalvageTools;
  readonly #insert: StatementSync;
  readonly #commitment: StatementSync;
  readonly #bind: StatementSync;
  #saved = 0;
  #highest = 0;

  constructor(db: DatabaseSync, tools: SalvageTools) {
    this.#tools = tools;
    this.#insert = db.prepare("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    this.#commitment = db.prepare("SELECT commitment, signature, publicKey FROM commitments WHERE sequence = ?");
    this.#bind = db.prepare(
      `INSERT INTO commitments VALUES (?, ?, ?, ?, NULL, NULL) ON CONFLICT (sequence) DO UPDATE
       SET signature = excluded.signature, publicKey = excluded.publicKey, batch = NULL, leaf = NULL`,
    );
  }

  get saved(): number {
    return this.#saved;
  }

  /** The highest number among those that were found, saved or not. */
  get highest(): number {
    return this.#highest;
  }

  add({ row, keyId }: Extract<Found, { kind: "result" }>): void {
    const { vault, rows } = this.#tools;
    this.#highest = Math.max(this.#highest, Number(row.sequence));
    if (!vault.knows(keyId)) {
      this.strangeKeys.push(keyId);
      return;
    }
    const result = opened(() => rows.result(row));
    if (result === undefined || !isOfItsData(result)) return;
    const commitment = this.#commitmentOf(result);
    if (commitment !== null && !this.#isBoundBy(result.sequence, commitment)) return;
    this.#keep(result, commitment !== null);
  }

  /** Null for a result that was stored without, or that nothing can bind. */
  #commitmentOf({ data }: StoredResult): Uint8Array | null {
    try {
      return this.#tools.rescue.commitmentOf(data);
    } catch {
      return null;
    }
  }

  /** A binding that is lost is made anew; one of other data is a contradiction, and the result is left behind. */
  #isBoundBy(sequence: number, commitment: Uint8Array): boolean {
    const row = this.#commitment.get(sequence);
    if (row === undefined) {
      this.#bind.run(sequence, commitment, UNSIGNED.signature, UNSIGNED.publicKey);
      return true;
    }
    const { signature, publicKey } = row;
    if (!(row.commitment instanceof Uint8Array) || !same(row.commitment, commitment)) return false;
    const isSigned =
      signature instanceof Uint8Array &&
      publicKey instanceof Uint8Array &&
      this.#tools.rescue.verifies({ commitment, signature, publicKey });
    if (!isSigned) this.#bind.run(sequence, commitment, UNSIGNED.signature, UNSIGNED.publicKey);
    return true;
  }

  #keep(result: StoredResult, isBound: boolean): void {
    const { sequence, resultId, utcMs, status, replaces } = result;
    const { referenceTag, pseudonymTag, fileTag, keyId, body } = this.#tools.rows.sealResult(result);
    const { changes } = this.#insert.run(
      ...[sequence, resultId, utcMs, status, replaces, Number(isBound)],
      ...[referenceTag, pseudonymTag, fileTag, keyId, body],
    );
    this.#saved += Number(changes);
  }
}

/** Undefined for what does not open. @throws whatever is no damage */
export function opened<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (errorCode(error) === "STORE_DAMAGED") return undefined;
    throw error;
  }
}

/** What is encrypted says the same as what stands beside it. */
function isOfItsData({ sequence, resultId, data }: StoredResult): boolean {
  const said = data as { readonly sequence?: unknown; readonly resultId?: unknown };
  return (said.sequence ?? sequence) === sequence && (said.resultId ?? resultId) === resultId;
}
