/**
 * `cmd/resend`: results go into the outbox once more, under the ids that they always had, for a subscriber that missed them.
 *
 * They stand in the outbox behind what is there, so new results may overtake them; their numbers have the order.
 */

import { errorCode } from "../../base/error.ts";
import type { Answer } from "../../mqtt/commands.ts";
import { makeResultMessage } from "../../mqtt/envelope.ts";
import type { ResultData } from "../../mqtt/messages.ts";
import type { Identity } from "../../mqtt/topics.ts";
import type { ResultStore } from "../../store/results.ts";
import type { OutboxMessage, StoredResult } from "../../store/schema.ts";
import { RequestError } from "./errors.ts";

export interface ResendParts {
  readonly store: Pick<ResultStore, "read" | "enqueue" | "outbox">;
  readonly identity: Identity;
  /** What of a result leaves. */
  readonly leaving: (data: ResultData) => ResultData;
  /** Counts a result that cannot be sent, by its code. */
  readonly count: (code: string) => void;
}

export interface ResendRequest {
  readonly from: number;
  readonly limit: number;
}

/** In one transaction: some 10 ms of the event loop. */
const SLICE = 64;

interface Page {
  readonly messages: readonly OutboxMessage[];
  /** Of the stored results that were looked at, those among them that cannot be sent. */
  readonly rows: number;
  readonly first: number;
  readonly last: number;
}

/** @throws RequestError RESEND_CROWDED; StoreError; OutboxError OUTBOX_FULL */
export async function resend(
  parts: ResendParts,
  { from, limit }: ResendRequest,
): Promise<NonNullable<Answer["resend"]>> {
  const { store } = parts;
  expectRoom(store);
  let [sent, left, at] = [0, limit, from];
  let firstAvailable: number | undefined;
  let more = true;
  while (left > 0 && more && hasRoom(store)) {
    const page = pageOf(parts, at, Math.min(left, SLICE));
    if (page === undefined) {
      more = false;
      break;
    }
    firstAvailable ??= page.first;
    await store.enqueue(page.messages);
    [sent, left, at] = [sent + page.messages.length, left - page.rows, page.last + 1];
    more = at <= store.read.lastSequence;
  }
  return {
    ...{ from, sent },
    next: more ? at : null,
    firstAvailable: firstAvailable ?? Math.max(from, store.read.lastSequence + 1),
  };
}

/** @returns undefined where no result has such a number */
function pageOf({ store, identity, leaving, count }: ResendParts, from: number, limit: number): Page | undefined {
  const numbers: number[] = [];
  const found = store.read.listFrom(from, limit, ({ sequence }, code) => {
    numbers.push(sequence);
    count(code);
  });
  const messages = found.flatMap((stored) => {
    numbers.push(stored.sequence);
    try {
      return [makeResultMessage(identity, leaving(dataOf(stored)))];
    } catch (error) {
      // One that another version stored and this one cannot say stops no others.
      count(errorCode(error));
      return [];
    }
  });
  if (numbers.length === 0) return undefined;
  return { messages, rows: numbers.length, first: Math.min(...numbers), last: Math.max(...numbers) };
}

/** Results of the time before corrections replace none. */
function dataOf({ data }: StoredResult): ResultData {
  return { replaces: null, ...data } as ResultData;
}

function hasRoom({ outbox }: ResendParts["store"]): boolean {
  return outbox.rows < outbox.maxRows / 2 && outbox.bytes < outbox.maxBytes / 2;
}

function expectRoom(store: ResendParts["store"]): void {
  if (!hasRoom(store)) throw new RequestError("RESEND_CROWDED", `${store.outbox.rows} messages wait`);
}
