/** What the store needs to be told to save a damaged one, and what it tells of that. */
import type { Binding, OutboxMessage, StoredResult } from "./schema.ts";
import type { ClosedBatch } from "./seal-writer.ts";

/** What the rooms beside and above know of what is stored here. */
export interface Rescue {
  /** What must bind a result with these data; null for one that was stored without. @throws where nothing can bind them */
  commitmentOf(data: object): Uint8Array | null;
  /** Whether the signature is the key's over the commitment. */
  verifies(binding: Binding): boolean;
  /** The batch that a seal's text is of. @throws where it is no seal */
  sealedBatch(text: string): Omit<ClosedBatch, "closedUtcMs">;
  /** As it was published, under the same id. @throws where it cannot be made any more */
  resultMessage(result: StoredResult): OutboxMessage;
  /** As it was published, under the same id. @throws where it cannot be made any more */
  sealMessage(text: string): OutboxMessage;
  /** Tells that it happened. */
  restoredMessage(report: SalvageReport): OutboxMessage;
}

/** A report's name in `meta`, where it stands until somebody has accepted it. */
export const RESTORED_FROM = "restoredFrom";

/** What was saved of a damaged database. */
export interface SalvageReport {
  /** Name of the damaged one, as it was set aside. */
  readonly file: string;
  readonly utcMs: number;
  /** Results that were saved. */
  readonly saved: number;
  /** Messages that waited, and were saved. */
  readonly messages: number;
  /** Messages that may have been lost, and were made anew under the same ids. */
  readonly queuedAgain: number;
  /** Numbers whose results were not found: so many were lost at most, for some may never have been given. */
  readonly lost: number;
  /** The lowest and the highest of them; null where there is none. */
  readonly lostFrom: number | null;
  readonly lostTo: number | null;
}
