/** What waited for a seal when the appliance ended. */
import { type ClosedBatch, closeBatch } from "../../seal/closed-batch.ts";
import { SealError } from "../../seal/error.ts";
import { toHex } from "../../seal/fields.ts";
import { EMPTY_LEDGER, type LedgerHead } from "../../seal/ledger.ts";
import { decodeSeal, type Seal } from "../../seal/seal.ts";
import type { BatchRow, SealReader, UnsealedRow } from "../../store/seal-reader.ts";

/** What there is to go on from where the store cannot be trusted: nothing is sealed, and nothing changed. */
export const NOTHING: Remembered = {
  head: EMPTY_LEDGER,
  lastSealUtcMs: undefined,
  unsealed: 0,
  worked: undefined,
  waiting: [],
};

export interface Remembered {
  readonly head: LedgerHead;
  readonly lastSealUtcMs: number | undefined;
  /** How many results wait, those of the batch and those that found no room here among them. */
  readonly unsealed: number;
  /** The batch that was being worked. */
  readonly worked:
    | { readonly number: number; readonly closed: ClosedBatch; readonly members: readonly UnsealedRow[] }
    | undefined;
  /** In no batch yet, oldest first, at most as many as were asked for. */
  readonly waiting: readonly UnsealedRow[];
}

/** @throws SealError SEAL_LEDGER where the store contradicts itself; StoreError */
export function remembered(seals: SealReader, waitingMax: number): Remembered {
  const { seals: count, sealedResults: results, waiting: unsealed } = seals.counts();
  const newest = seals.newest();
  const head = newest === undefined ? EMPTY_LEDGER : { seals: count, results, head: toHex(newest.sealedValue) };
  const lastSealUtcMs = newest === undefined ? undefined : sealOf(newest).utcMs;
  return { head, lastSealUtcMs, unsealed, worked: workedOf(seals, head), waiting: seals.waiting(waitingMax) };
}

function sealOf({ batch, seal }: BatchRow): Seal {
  try {
    return decodeSeal(seal ?? "");
  } catch (error) {
    throw new SealError("SEAL_LEDGER", `the seal of batch ${batch} is damaged`, { cause: error });
  }
}

function workedOf(seals: SealReader, { head }: LedgerHead): Remembered["worked"] {
  const row = seals.worked();
  if (row === undefined) return undefined;
  const members = seals.membersOf(row.batch);
  const closed = closeBatch(
    members.map(({ commitment }) => commitment),
    row.previous,
  );
  if (!closed.sealedValue.equals(row.sealedValue) || toHex(row.previous) !== head) {
    throw new SealError("SEAL_LEDGER", `batch ${row.batch} is not what its results make it`);
  }
  return { number: row.batch, closed, members };
}
