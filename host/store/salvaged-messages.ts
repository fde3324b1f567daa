/** The outbox of a damaged database: what opens is kept; some may be lost, so what is recent is made anew too. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Found } from "./found-rows.ts";
import type { Row } from "./rows.ts";
import { opened, type SalvageTools } from "./salvaged-results.ts";
import type { OutboxMessage } from "./schema.ts";

/** As long as a broker keeps a result for an absent subscriber. */
const RECENT_MS = 7 * 86_400_000;

export interface SalvagedMessagesOptions extends SalvageTools {
  readonly utcMs: () => number;
  readonly outboxMaxRows: number;
  readonly outboxMaxBytes: number;
}

export class SalvagedMessages {
  /** Of rows under keys that are not known. */
  readonly strangeKeys: Uint8Array[] = [];
  readonly #options: SalvagedMessagesOptions;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  #saved = 0;
  #highestResult = 0;

  constructor(db: DatabaseSync, options: SalvagedMessagesOptions) {
    this.#db = db;
    this.#options = options;
    this.#insert = db.prepare(
      "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
  }

  get saved(): number {
    return this.#saved;
  }

  /** The highest number of a result that a message tells of. */
  get highestResult(): number {
    return this.#highestResult;
  }

  add({ row, keyId }: Extract<Found, { kind: "message" }>): void {
    const { vault, rows } = this.#options;
    this.#highestResult = Math.max(this.#highestResult, Number(row.sequence ?? 0));
    if (!vault.knows(keyId)) {
      this.strangeKeys.push(keyId);
      return;
    }
    const message = opened(() => rows.message(row));
    if (message !== undefined) this.#saved += this.#put(row, message);
  }

  /** At the end of the outbox. @returns 0 where the same message waits already */
  queue(message: OutboxMessage, sequence: number | null = null): number {
    const { messageId, topic, qos, contentType, expiryS } = message;
    const head = { position: null, messageId, topic, qos, retain: Number(message.retain), contentType, expiryS };
    return this.#put({ ...head, utcMs: this.#options.utcMs(), sequence, parkedUtcMs: null, parkedCode: null }, message);
  }

  /**
   * What was recent when the store was damaged, by its own newest result: the clock may not be set yet. Half of the
   * outbox's room at most, the newest; seals after the results. @returns how many messages
   */
  queueAgain(): number {
    const { rows, rescue } = this.#options;
    const since = Number(this.#db.prepare("SELECT max(utcMs) AS newest FROM results").get()?.newest ?? 0) - RECENT_MS;
    const results = this.#db.prepare("SELECT * FROM results WHERE utcMs >= ? AND sequence >= ? ORDER BY sequence");
    let queued = 0;
    for (const row of results.iterate(since, this.#firstThatFits(since))) {
      const message = madeAnew(() => rescue.resultMessage(rows.result(row)));
      if (message !== undefined) queued += this.queue(message, Number(row.sequence));
    }
    const seals = this.#db.prepare("SELECT seal FROM batches WHERE closedUtcMs >= ? ORDER BY batch");
    for (const { seal } of seals.iterate(since)) {
      const message = madeAnew(() => rescue.sealMessage(String(seal)));
      if (message !== undefined) queued += this.queue(message);
    }
    return queued;
  }

  /** A message is about as long as the body of its result. */
  #firstThatFits(since: number): number {
    const { outboxMaxRows, outboxMaxBytes } = this.#options;
    const newest = this.#db.prepare(
      "SELECT sequence, length(body) AS bytes FROM results WHERE utcMs >= ? ORDER BY sequence DESC",
    );
    let [first, left, bytesLeft] = [Number.MAX_SAFE_INTEGER, outboxMaxRows / 2, outboxMaxBytes / 2];
    for (const { sequence, bytes } of newest.iterate(since)) {
      left -= 1;
      bytesLeft -= Number(bytes);
      if (left < 0 || bytesLeft < 0) break;
      first = Number(sequence);
    }
    return first;
  }

  #put(row: Row, { messageId, payload }: OutboxMessage): number {
    const sealed = this.#options.rows.sealMessage({ messageId, payload });
    const { position, topic, qos, retain, contentType, expiryS, utcMs, sequence, parkedUtcMs, parkedCode } = row;
    const values = [position, messageId, topic, qos, retain, contentType, expiryS, utcMs, payload.length, sequence];
    const all = [...values, sealed.keyId, sealed.payload, parkedUtcMs, parkedCode];
    return Number(this.#insert.run(...all.map((value): SQLInputValue => value ?? null)).changes);
  }
}

/** Data of an older version may have no message any more. */
function madeAnew(make: () => OutboxMessage): OutboxMessage | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
