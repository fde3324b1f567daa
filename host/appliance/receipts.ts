/** Receipts from what is stored: derived when asked for, and verified before they are handed out. */
import { codedErrors, errorMessage } from "../base/error.ts";
import { boundResult, commitmentOf, type ResultToBind } from "../seal/commitment.ts";
import { SealError } from "../seal/error.ts";
import { encodeReceipt, makeReceipt, type Receipt } from "../seal/receipt.ts";
import { decodeSeal, type Seal } from "../seal/seal.ts";
import { BatchTree } from "../seal/tree.ts";
import { ReceiptVerifier } from "../seal/verify.ts";
import { StoreError } from "../store/errors.ts";
import type { ResultReader } from "../store/reader.ts";
import type { StoredResult } from "../store/schema.ts";
import type { BatchRow, BoundRow } from "../store/seal-reader.ts";

export const RECEIPT_ERRORS = {
  RESULT_MISSING: "Look it up with `lv06 results ls`, or `lv06 results find` and your own reference.",
  RESULT_PRUNED:
    "Results that were delivered and sealed are removed by the retention policy (store.maxAgeDays, store.maxBytes): if this was one, its seal is still in the ledger, and a receipt that was fetched before stays valid; else look it up with `lv06 results ls`.",
  RECEIPT_NOT_SEALED:
    "Ask again later: a result is sealed as soon as a device has done the work; `lv06 ledger head` and the health messages say whether one does.",
  RECEIPT_NONE: "Nothing can be done: a result that was not bound when it was made is never sealed.",
  RECEIPT_DAMAGED:
    "Keep a copy of the data folder, run `lv06 ledger check`, and restore a backup: the store is not what was sealed.",
} as const;

export class ReceiptError extends codedErrors(RECEIPT_ERRORS) {}

/** What to say of a result that is not there: of one that was removed nothing is left to tell it from a wrong id. */
export function noResult({ prunedThrough }: ResultReader, resultId: string): ReceiptError {
  const detail = `no result has the id ${resultId}`;
  if (prunedThrough === 0) return new ReceiptError("RESULT_MISSING", detail);
  return new ReceiptError("RESULT_PRUNED", `${detail}; results up to number ${prunedThrough} were removed`);
}

interface SealedBatch {
  readonly number: number;
  readonly tree: BatchTree;
  readonly seal: Seal;
}

type BoundIn = BoundRow & { readonly batch: number; readonly leaf: number };

export class Receipts {
  readonly #reader: ResultReader;
  /** Whose key it is, and what the work is worth, is for whoever gets the receipt to judge. */
  readonly #verifier = new ReceiptVerifier({ trustedKeys: new Map(), minDifficulty: 0 });
  /** The last one asked for: receipts of one batch are often asked for together. */
  #batch: SealedBatch | undefined;

  constructor(reader: ResultReader) {
    this.#reader = reader;
  }

  /**
   * @throws ReceiptError RESULT_MISSING; RESULT_PRUNED; RECEIPT_NOT_SEALED; RECEIPT_NONE; RECEIPT_DAMAGED where what is stored gives
   *   no receipt that verifies
   * @throws StoreError
   */
  of(resultId: string): Receipt {
    return this.#reader.consistently(() => this.#of(resultId));
  }

  #of(resultId: string): Receipt {
    const stored = this.#reader.get(resultId);
    if (stored === undefined) throw noResult(this.#reader, resultId);
    const bound = this.#bound(stored);
    try {
      return this.#verified(this.#make(stored, bound, this.#batchOf(bound.batch)));
    } catch (error) {
      if (error instanceof ReceiptError || error instanceof StoreError) throw error;
      throw damaged(`result ${resultId}`, error);
    }
  }

  #bound(stored: StoredResult): BoundIn {
    const { seals } = this.#reader;
    const bound = seals.of(stored.resultId);
    const made = `result ${stored.resultId}, made at ${timeText(stored.utcMs)},`;
    if (bound === undefined) throw new ReceiptError("RECEIPT_NONE", `${made} was never bound to be sealed`);
    const { batch, leaf } = bound;
    if (batch === null || leaf === null) {
      throw new ReceiptError("RECEIPT_NOT_SEALED", `${made} waits for a batch since then`);
    }
    const row = seals.batch(batch);
    if (row?.seal === null) {
      const detail = `${made} is in a batch that is worked on since ${timeText(row.closedUtcMs)}`;
      throw new ReceiptError("RECEIPT_NOT_SEALED", detail);
    }
    if (row?.prunedUtcMs != null) {
      throw new ReceiptError("RESULT_PRUNED", `${made} is in a batch whose results are being removed`);
    }
    return { ...bound, batch, leaf };
  }

  #batchOf(number: number): SealedBatch {
    if (this.#batch?.number === number) return this.#batch;
    const { seals } = this.#reader;
    const tree = new BatchTree(seals.commitmentsOf(number));
    this.#batch = { number, tree, seal: decodeSeal(sealText(seals.batch(number))) };
    return this.#batch;
  }

  #make({ data }: StoredResult, { commitment, signature, leaf }: BoundIn, { tree, seal }: SealedBatch): Receipt {
    const result = boundResult(data as ResultToBind);
    if (!commitmentOf(result).equals(commitment)) {
      throw new ReceiptError("RECEIPT_DAMAGED", `result ${result.resultId} was changed after it was bound`);
    }
    return makeReceipt({ result, signature, inclusion: { index: leaf, path: tree.path(leaf) }, seal });
  }

  #verified(receipt: Receipt): Receipt {
    const { checks } = this.#verifier.verify(encodeReceipt(receipt));
    const failed = checks.find(({ verdict }) => verdict === "failed");
    if (failed === undefined) return receipt;
    const detail = `the check ${failed.name} of result ${receipt.result.resultId} fails: ${failed.detail.slice(0, -1)}`;
    throw new ReceiptError("RECEIPT_DAMAGED", detail);
  }
}

/** @throws as `Receipts.of` */
export function receiptOf(reader: ResultReader, resultId: string): Receipt {
  return new Receipts(reader).of(resultId);
}

function sealText(row: BatchRow | undefined): string {
  if (row?.seal != null) return row.seal;
  throw new ReceiptError("RECEIPT_DAMAGED", "the batch that a result names is not there");
}

function damaged(what: string, cause: unknown): ReceiptError {
  const detail = cause instanceof SealError ? cause.detail : errorMessage(cause);
  return new ReceiptError("RECEIPT_DAMAGED", `${what}: ${detail}`, { cause });
}

function timeText(utcMs: number): string {
  return new Date(utcMs).toISOString();
}
