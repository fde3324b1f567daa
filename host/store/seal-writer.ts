/** Commitments, batches and seals: the writing side. Every call runs inside the caller's transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { StoreError } from "./errors.ts";
import type { Binding } from "./schema.ts";

/** A batch whose tree is fixed. Hashes of 32 bytes. */
export interface ClosedBatch {
  readonly root: Uint8Array;
  readonly size: number;
  readonly previous: Uint8Array;
  readonly sealedValue: Uint8Array;
  readonly closedUtcMs: number;
}

export class SealWriter {
  readonly #bind: StatementSync;
  readonly #insertBatch: StatementSync;
  readonly #place: StatementSync;
  readonly #seal: StatementSync;
  readonly #signedByOthers: StatementSync;
  readonly #sign: StatementSync;

  constructor(db: DatabaseSync) {
    this.#bind = db.prepare("INSERT INTO commitments VALUES (?, ?, ?, ?, NULL, NULL)");
    this.#insertBatch = db.prepare("INSERT INTO batches VALUES (NULL, ?, ?, ?, ?, ?, NULL, NULL, NULL)");
    this.#place = db.prepare("UPDATE commitments SET batch = ?, leaf = ? WHERE sequence = ? AND batch IS NULL");
    this.#seal = db.prepare(
      "UPDATE batches SET seal = :seal, sealBytes = length(:seal) WHERE batch = :batch AND seal IS NULL",
    );
    this.#signedByOthers = db.prepare(
      `SELECT sequence, commitment FROM commitments WHERE batch IS NULL AND publicKey <> :key
       UNION ALL SELECT sequence, commitment FROM commitments
       WHERE batch = (SELECT batch FROM batches WHERE seal IS NULL) AND publicKey <> :key LIMIT :most`,
    );
    this.#sign = db.prepare("UPDATE commitments SET signature = ?, publicKey = ? WHERE sequence = ?");
  }

  bind(sequence: number, { commitment, signature, publicKey }: Binding): void {
    this.#bind.run(sequence, commitment, signature, publicKey);
  }

  /** @returns the batch's number */
  close({ root, size, previous, sealedValue, closedUtcMs }: ClosedBatch, sequences: readonly number[]): number {
    if (sequences.length !== size) throw seal(`a batch of ${size} with ${sequences.length} results`);
    const batch = Number(this.#insertBatch.run(root, size, previous, sealedValue, closedUtcMs).lastInsertRowid);
    for (const [leaf, sequence] of sequences.entries()) {
      if (this.#place.run(batch, leaf, sequence).changes !== 1) throw seal(`result ${sequence} is in a batch already`);
    }
    return batch;
  }

  seal(batch: number, text: string): void {
    if (this.#seal.run({ seal: text, batch }).changes !== 1)
      throw seal(`batch ${batch} is sealed already, or there is none`);
  }

  resign(publicKey: Uint8Array, sign: (commitment: Uint8Array) => Uint8Array, most: number): number {
    const rows = this.#signedByOthers.all({ key: publicKey, most });
    for (const { sequence, commitment } of rows) {
      if (!(commitment instanceof Uint8Array)) throw new StoreError("STORE_DAMAGED", `commitment ${String(sequence)}`);
      this.#sign.run(sign(commitment), publicKey, Number(sequence));
    }
    return rows.length;
  }
}

function seal(detail: string): StoreError {
  return new StoreError("STORE_SEAL", detail);
}
