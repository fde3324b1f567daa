/**
 * Results that outlive everything, and the outbox of messages about them.
 *
 * A result and its messages are one transaction, made durable before anything is published; messages are
 * deleted when the broker has acknowledged them. A crash between the two publishes a message again, with the
 * same id: never less than once.
 */
import type { StatementSync } from "node:sqlite";
import { foreignWrites, type OpenOptions, openDatabase, translated } from "./database.ts";
import { OutboxError, StoreError } from "./errors.ts";
import { GroupCommit } from "./group-commit.ts";
import { type OutboxCounts, ResultReader } from "./reader.ts";
import { type NewResult, type OutboxMessage, type OutboxRow, RESULTS_SCHEMA, type StoredResult } from "./schema.ts";
import { type ClosedBatch, SealWriter } from "./seal-writer.ts";

export interface ResultStoreOptions extends OpenOptions {
  readonly path: string;
  /** Wall clock, ms since 1970 UTC. */
  readonly utcMs: () => number;
  /** Messages that may wait; default 100,000. */
  readonly outboxMaxRows?: number;
  /** Payload bytes that may wait; default 256 MiB. */
  readonly outboxMaxBytes?: number;
}

const QUEUE_MAX = 20_000;
/** About 10 ms of inserts. */
const GROUP_MAX = 256;

export class ResultStore {
  /** Lookups; they see what is durable. */
  readonly read: ResultReader;
  readonly #group: GroupCommit;
  readonly #options: Required<Omit<ResultStoreOptions, keyof OpenOptions>>;
  readonly #foreign: () => boolean;
  readonly #nextSequence: StatementSync;
  readonly #insertResult: StatementSync;
  readonly #insertMessage: StatementSync;
  readonly #deleteMessage: StatementSync;
  readonly #seals: SealWriter;
  readonly #listeners = new Set<() => void>();
  #counts: OutboxCounts;
  #countsVoid = false;

  /** @throws StoreError as `openDatabase` */
  constructor(options: ResultStoreOptions) {
    const { path, utcMs, outboxMaxRows = 100_000, outboxMaxBytes = 256 * 2 ** 20 } = options;
    this.#options = { path, utcMs, outboxMaxRows, outboxMaxBytes };
    const db = openDatabase(path, RESULTS_SCHEMA, options);
    this.read = new ResultReader(path, db);
    this.#foreign = foreignWrites(db);
    this.#nextSequence = db.prepare(
      "SELECT coalesce(max(seq), 0) + 1 AS next FROM sqlite_sequence WHERE name = 'results'",
    );
    this.#insertResult = db.prepare("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#insertMessage = db.prepare("INSERT INTO outbox VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#deleteMessage = db.prepare("DELETE FROM outbox WHERE position = ? RETURNING sizeBytes");
    this.#seals = new SealWriter(db);
    this.#counts = this.read.outboxCounts();
    this.#group = new GroupCommit(db, {
      path,
      queueMax: QUEUE_MAX,
      groupMax: GROUP_MAX,
      onBegin: () => {
        const foreign = this.#foreign();
        if (foreign || this.#countsVoid) this.#recount();
      },
      onRollback: () => {
        this.#countsVoid = true;
      },
    });
  }

  /**
   * Stores a result and its messages.
   *
   * @param make builds them once the sequence number is known; synchronous, and called inside the transaction:
   *   when it throws, the number goes to the next result
   * @returns the result, when it is durable
   * @throws StoreError; OutboxError OUTBOX_FULL, with nothing stored; whatever `make` throws
   */
  async append(make: (sequence: number) => NewResult): Promise<StoredResult> {
    const result = await this.#group.run(() => {
      const sequence = Number(this.#nextSequence.get()?.next);
      const { messages, binding, ...rest } = make(sequence);
      const stored = { sequence, ...rest };
      this.#refuseDuplicate(stored.resultId);
      this.#insert(stored);
      if (binding !== null) this.#seals.bind(sequence, binding);
      this.#enqueueAll(messages);
      return stored;
    });
    this.#announce();
    return result;
  }

  /** Stores messages that belong to no result. @throws StoreError; OutboxError OUTBOX_FULL */
  async enqueue(messages: readonly OutboxMessage[]): Promise<void> {
    await this.#group.run(() => this.#enqueueAll(messages));
    this.#announce();
  }

  /**
   * Notes a batch that is to be worked, and which results are in it.
   *
   * @param sequences of its results, in the order of its tree
   * @returns the batch's number
   * @throws StoreError STORE_SEAL where a result is in a batch already, or another batch is not sealed yet
   */
  closeBatch(batch: ClosedBatch, sequences: readonly number[]): Promise<number> {
    return this.#group.run(() => this.#seals.close(batch, sequences));
  }

  /** A batch's seal and its messages. @throws StoreError STORE_SEAL where it has one; OutboxError OUTBOX_FULL */
  async sealBatch(batch: number, seal: string, messages: readonly OutboxMessage[]): Promise<void> {
    await this.#group.run(() => {
      this.#seals.seal(batch, seal);
      this.#enqueueAll(messages);
    });
    this.#announce();
  }

  /**
   * Signs unsealed commitments of another key anew: a seal and its results have one key.
   *
   * @param most at once; the event loop waits for them
   * @returns how many; fewer than `most` where none is left
   */
  resign(publicKey: Uint8Array, sign: (commitment: Uint8Array) => Uint8Array, most: number): Promise<number> {
    return this.#group.run(() => this.#seals.resign(publicKey, sign, most));
  }

  /** The messages to publish next, oldest first. @param after position of the last one already taken */
  pending(limit: number, after = 0): OutboxRow[] {
    return this.read.outbox(limit, after);
  }

  /** Deletes what the broker has acknowledged; unknown positions are nothing to worry about. */
  acknowledge(positions: readonly number[]): Promise<void> {
    return this.#group.run(() => {
      let { rows, bytes } = this.#counts;
      for (const position of positions) {
        const row = this.#deleteMessage.get(position);
        if (row === undefined) continue;
        rows -= 1;
        bytes -= Number(row.sizeBytes);
      }
      this.#counts = { rows, bytes };
    });
  }

  get outbox(): OutboxCounts & { readonly maxRows: number; readonly maxBytes: number } {
    return { ...this.#counts, maxRows: this.#options.outboxMaxRows, maxBytes: this.#options.outboxMaxBytes };
  }

  /** Calls `listener` whenever this process has made messages durable. @returns the way to stop it */
  onMessages(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes durable what waits, then closes. Idempotent. */
  close(): void {
    this.#group.close();
    this.read.close();
  }

  #refuseDuplicate(resultId: string): void {
    if (this.read.get(resultId) !== undefined) throw new StoreError("STORE_DUPLICATE", `result ${resultId}`);
  }

  #insert(result: StoredResult): void {
    const { sequence, resultId, utcMs, reference, fileDigest, rasterDigest, data } = result;
    this.#insertResult.run(sequence, resultId, utcMs, reference, fileDigest, rasterDigest, JSON.stringify(data));
  }

  #enqueueAll(messages: readonly OutboxMessage[]): void {
    const { outboxMaxRows, outboxMaxBytes } = this.#options;
    const rows = this.#counts.rows + messages.length;
    const bytes = messages.reduce((sum, { payload }) => sum + payload.length, this.#counts.bytes);
    if (messages.length > 0 && (rows > outboxMaxRows || bytes > outboxMaxBytes)) {
      throw new OutboxError(
        "OUTBOX_FULL",
        `${this.#counts.rows} messages with ${this.#counts.bytes} bytes wait, the limits are ${outboxMaxRows} and ${outboxMaxBytes}`,
      );
    }
    const utcMs = this.#options.utcMs();
    for (const message of messages) this.#insertOne(message, utcMs);
    this.#counts = { rows, bytes };
  }

  #insertOne({ messageId, topic, qos, retain, contentType, expiryS, payload }: OutboxMessage, utcMs: number): void {
    this.#insertMessage.run(
      messageId,
      topic,
      qos,
      Number(retain),
      contentType,
      expiryS,
      utcMs,
      payload.length,
      payload,
    );
  }

  #recount(): void {
    this.#counts = translated(this.#options.path, () => this.read.outboxCounts());
    this.#countsVoid = false;
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
