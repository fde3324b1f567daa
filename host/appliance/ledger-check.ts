/**
 * The whole ledger against itself, and the store against the ledger: that no seal was changed, left out or put in, and
 * that every result is still what was signed and sealed.
 */
import { CodedError, errorMessage } from "../base/error.ts";
import { VaultError } from "../base/vault-error.ts";
import { boundResult, commitmentOf, type ResultToBind } from "../seal/commitment.ts";
import { fromHex, toHex } from "../seal/fields.ts";
import { checkLedger, type LedgerOptions, type LedgerVerdict } from "../seal/ledger.ts";
import { decodeSeal, type Seal } from "../seal/seal.ts";
import { VerifyingKey } from "../seal/signing-key.ts";
import { BatchTree } from "../seal/tree.ts";
import { StoreError } from "../store/errors.ts";
import type { ResultReader } from "../store/reader.ts";
import type { BatchRow, UnsealedRow } from "../store/seal-reader.ts";

export interface KeyUse {
  /** 64 hex digits. */
  readonly publicKey: string;
  readonly seals: number;
  /** Those that say so of themselves. */
  readonly simulatedSeals: number;
}

/** The first thing that is not as it was sealed. */
export interface StoreFault {
  /** Null for a result that waits for a batch. */
  readonly batch: number | null;
  readonly resultId: string | null;
  readonly detail: string;
}

export interface LedgerReport {
  readonly chain: LedgerVerdict;
  /** Of every key, in the order of their first seals. */
  readonly keys: readonly KeyUse[];
  /** Results that were held against what was signed, sealed or not. */
  readonly checkedResults: number;
  /** Batches whose results the retention policy has removed: of these only the seals are there to be checked. */
  readonly prunedBatches: number;
  /** The ledger's oldest, which the retention policy has removed too: the chain is checked from there on. */
  readonly removedSeals: number;
  readonly fault: StoreFault | null;
}

const PAGE = 256;

/**
 * The store as it is at one moment: the appliance may go on storing and removing.
 *
 * @param progress how many seals and results are checked, of those that `reader.seals.counts()` names
 * @throws StoreError; VaultError where the keys are not the store's: that says nothing about the ledger
 */
export function checkStoredLedger(
  reader: ResultReader,
  options: LedgerOptions,
  progress: (checked: number) => void,
): LedgerReport {
  return reader.consistently(() => check(reader, options, progress));
}

function check(reader: ResultReader, options: LedgerOptions, progress: (checked: number) => void): LedgerReport {
  let checked = 0;
  const step = () => progress(++checked);
  const keys = new Map<string, KeyUse>();
  const base = reader.seals.base();
  const chain = checkLedger(counted(reader.seals.ledger(), keys, step), base === null ? options : { ...options, base });
  const seals = checked;
  let prunedBatches = 0;
  const fault = firstFault(reader, step, () => prunedBatches++);
  const removedSeals = base?.seals ?? 0;
  return { chain, keys: [...keys.values()], checkedResults: checked - seals, prunedBatches, removedSeals, fault };
}

/** Every seal's text as it is, noting whose it says it is. */
function* counted(texts: Iterable<string>, keys: Map<string, KeyUse>, step: () => void): Generator<string> {
  for (const text of texts) {
    note(text, keys);
    yield text;
    step();
  }
}

function note(text: string, keys: Map<string, KeyUse>): void {
  let seal: Seal;
  try {
    seal = decodeSeal(text);
  } catch {
    // The chain's check says what is wrong with it.
    return;
  }
  const { publicKey, device } = seal;
  const { seals, simulatedSeals } = keys.get(publicKey) ?? { seals: 0, simulatedSeals: 0 };
  keys.set(publicKey, {
    publicKey,
    seals: seals + 1,
    simulatedSeals: simulatedSeals + Number(device.simulated),
  });
}

function firstFault(reader: ResultReader, step: () => void, pruned: () => void): StoreFault | null {
  const { seals } = reader;
  const last = Math.max(seals.newest()?.batch ?? 0, seals.worked()?.batch ?? 0);
  for (let number = 1; number <= last; number++) {
    const batch = seals.batch(number);
    // One that is gone altogether breaks the chain.
    const fault = batch === undefined ? null : batchFault(reader, batch, step);
    if (batch?.prunedUtcMs != null) pruned();
    if (fault !== null) return fault;
  }
  return waitingFault(reader, step);
}

function batchFault(reader: ResultReader, row: BatchRow, step: () => void): StoreFault | null {
  const { batch, size } = row;
  let key: VerifyingKey | null = null;
  const detail = wrong(() => {
    const seal = row.seal === null ? null : decodeSeal(row.seal);
    if (row.prunedUtcMs === null) expectSameTree(row, new BatchTree(reader.seals.commitmentsOf(batch)));
    expectSameSeal(row, seal);
    key = seal === null ? null : new VerifyingKey(fromHex(seal.publicKey));
  });
  if (detail !== null) return { batch, resultId: null, detail };
  if (row.prunedUtcMs !== null) return null;
  const members = reader.seals.membersOf(batch);
  if (members.length !== size)
    return { batch, resultId: null, detail: `${size - members.length} of its results are gone` };
  for (const member of members) {
    const fault = resultFault(reader, batch, member, key);
    if (fault !== null) return fault;
    step();
  }
  return null;
}

/** @throws TypeError */
function expectSameTree(row: BatchRow, tree: BatchTree): void {
  if (!tree.root.equals(row.root) || tree.size !== row.size) throw new TypeError("its commitments give another root");
}

/** @throws TypeError */
function expectSameSeal(row: BatchRow, seal: Seal | null): void {
  if (row.prunedUtcMs !== null && seal === null) throw new TypeError("its results were removed before it had a seal");
  if (seal === null) return;
  const same = toHex(row.root) === seal.root && toHex(row.sealedValue) === seal.sealedValue && row.size === seal.size;
  if (!same) throw new TypeError("its seal is another batch's");
}

function waitingFault(reader: ResultReader, step: () => void): StoreFault | null {
  let after = 0;
  for (;;) {
    const page = reader.seals.waiting(PAGE, after);
    for (const row of page) {
      const fault = resultFault(reader, null, row, null);
      if (fault !== null) return fault;
      step();
    }
    if (page.length < PAGE) return null;
    after = page.at(-1)?.sequence ?? after;
  }
}

/** @param key of the batch's seal; null before there is one */
function resultFault(
  reader: ResultReader,
  batch: number | null,
  { resultId, commitment }: UnsealedRow,
  key: VerifyingKey | null,
): StoreFault | null {
  const detail = wrong(() => {
    const data = reader.get(resultId)?.data;
    if (!commitmentOf(boundResult(data as ResultToBind)).equals(commitment)) {
      throw new TypeError("it was changed after it was bound");
    }
    const signature = reader.seals.of(resultId)?.signature ?? new Uint8Array();
    if (key?.verifies(commitment, signature) === false) throw new TypeError("its signature is not by the seal's key");
  });
  return detail === null ? null : { batch, resultId, detail };
}

/** What `look` finds wrong; null for nothing. @throws StoreError, VaultError where it is the reading that fails */
function wrong(look: () => void): string | null {
  try {
    look();
    return null;
  } catch (error) {
    if (error instanceof VaultError || (error instanceof StoreError && error.code !== "STORE_DAMAGED")) throw error;
    return error instanceof CodedError ? error.detail : errorMessage(error);
  }
}
