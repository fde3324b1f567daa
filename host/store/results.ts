/**
 * Results that outlive everything, and the outbox of messages about them.
 *
 * A result and its messages are one transaction, made durable before anything is published; messages are
 * deleted when the broker has acknowledged them. A crash between the two publishes a message again, with the
 * same id: never less than once.
 */
import { dirname, join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { foreignWrites, type OpenOptions, openDatabase, removeOldCopies, translated } from "./database.ts";
import { OutboxError, StoreError } from "./errors.ts";
import { GroupCommit } from "./group-commit.ts";
import { HIGH_WATER_FILE } from "./high-water.ts";
import { KnownKeys } from "./known-keys.ts";
import { resultsSchema } from "./migrations.ts";
import { type Continuation, Numbers } from "./numbers.ts";
import { type OnUnopened, type OutboxCounts, ResultReader } from "./reader.ts";
import { RESTORED_FROM, type SalvageReport } from "./rescue.ts";
import { OUTBOX_LIMITS, type ResultStoreOptions } from "./results-options.ts";
import { Rows } from "./rows.ts";
import type { NewResult, OutboxMessage, OutboxRow, StoredResult, WaitingMessage } from "./schema.ts";
import { type ClosedBatch, SealWriter } from "./seal-writer.ts";
import { suspect } from "./suspicion.ts";
import { Upkeep } from "./upkeep.ts";

const QUEUE_MAX = 20_000;
/** About 10 ms of inserts. */
const GROUP_MAX = 256;

export class ResultStore {
  /** Lookups; they see what is durable. */
  readonly read: ResultReader;
  /** Removing what the retention policy says, and encrypting anew after a change of keys. */
  readonly upkeep: Upkeep;
  readonly #group: GroupCommit;
  readonly #options: Required<Omit<ResultStoreOptions, keyof OpenOptions | "damaged">>;
  readonly #rows: Rows;
  readonly #numbers: Numbers;
  readonly #foreign: () => boolean;
  readonly #isTaken: StatementSync;
  readonly #insertResult: StatementSync;
  readonly #insertMessage: StatementSync;
  readonly #deleteMessage: StatementSync;
  readonly #park: StatementSync;
  readonly #unpark: StatementSync;
  readonly #seals: SealWriter;
  readonly #listeners = new Set<() => void>();
  #counts: OutboxCounts;
  #countsVoid = false;
  /** Told once, and not before it is open: whoever opens it hears of damage by the error. */
  #damaged: (() => void) | undefined;
  /** At the start: then numbers leap for that. */
  readonly #wasSalvaged: boolean;

  /** @throws StoreError as `openDatabase`; VaultError VAULT_KEY_UNKNOWN, with nothing changed */
  constructor(options: ResultStoreOptions) {
    const { path, vault, utcMs, outboxMaxRows, outboxMaxBytes } = { ...OUTBOX_LIMITS, ...options };
    this.#options = { path, vault, utcMs, outboxMaxRows, outboxMaxBytes };
    const schema = resultsSchema(vault);
    const db = openDatabase(path, schema, options);
    removeOldCopies(path, schema, utcMs());
    try {
      this.read = new ResultReader(path, db, vault, () => this.#tellDamage());
      this.#wasSalvaged = this.salvaged !== null;
      new KnownKeys(db).note(vault);
      this.#rows = new Rows(vault);
      this.#numbers = translated(path, () => new Numbers(db, join(dirname(path), HIGH_WATER_FILE)));
      this.#foreign = foreignWrites(db);
      this.#isTaken = db.prepare("SELECT 1 FROM results WHERE resultId = ?");
      this.#insertResult = db.prepare("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
      this.#insertMessage = db.prepare(
        "INSERT INTO outbox VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL) ON CONFLICT (messageId) DO NOTHING",
      );
      this.#deleteMessage = db.prepare("DELETE FROM outbox WHERE position = ? RETURNING sizeBytes");
      this.#park = db.prepare("UPDATE outbox SET parkedUtcMs = ?, parkedCode = ? WHERE position = ?");
      this.#unpark = db.prepare(
        `UPDATE outbox SET parkedUtcMs = NULL, parkedCode = NULL
         WHERE parkedUtcMs IS NOT NULL AND (:codes IS NULL OR parkedCode IN (SELECT value FROM json_each(:codes)))`,
      );
      this.#seals = new SealWriter(db);
      this.#counts = this.read.outboxCounts();
    } catch (error) {
      db.close();
      throw error;
    }
    this.#group = this.#makeGroup(db);
    this.upkeep = new Upkeep({
      ...{ path, db, utcMs, rows: this.#rows, group: this.#group, damaged: () => this.#tellDamage() },
      removed: ({ rows, bytes }) => {
        this.#counts = { rows: this.#counts.rows - rows, bytes: this.#counts.bytes - bytes };
      },
    });
    this.#damaged = options.damaged ?? (() => {});
  }

  /** What numbering goes on from where a store was restored or begun anew; null where it goes on as it was. */
  get continuation(): Continuation | null {
    return this.#numbers.continuation;
  }

  /** What was saved of a damaged database, and nobody has accepted yet; also where this process did not save it. */
  get salvaged(): SalvageReport | null {
    const text = this.read.meta(RESTORED_FROM);
    return text === undefined ? null : (JSON.parse(String(text)) as SalvageReport);
  }

  /** Another database stands in the place of the latest: one put back, or what was saved until somebody accepts it. */
  get isReplaced(): boolean {
    return this.salvaged !== null || (this.continuation !== null && !this.#wasSalvaged);
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
      const sequence = this.#numbers.next();
      const { messages, binding, ...rest } = make(sequence);
      const stored = { sequence, ...rest };
      this.#refuseDuplicate(stored.resultId);
      this.#insert(stored, binding !== null);
      if (binding !== null) this.#seals.bind(sequence, binding);
      this.#enqueueAll(messages, sequence);
      return stored;
    });
    this.#announce();
    return result;
  }

  /** Stores messages that belong to no new result; one that waits already is not stored again. @throws StoreError; OutboxError OUTBOX_FULL */
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
  pending(limit: number, after = 0, onUnopened?: OnUnopened<WaitingMessage>): OutboxRow[] {
    return this.read.outbox(limit, after, onUnopened);
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

  /** Sets a message aside that can never be delivered, so that those behind it can be published. */
  async park(position: number, code: string): Promise<void> {
    await this.#group.run(() => this.#park.run(this.#options.utcMs(), code, position));
  }

  /** Has messages that were set aside published after all. @param codes those set aside for one of these; without it, all @returns how many */
  async unpark(codes?: readonly string[]): Promise<number> {
    const { changes } = await this.#group.run(() =>
      this.#unpark.run({ codes: codes === undefined ? null : JSON.stringify(codes) }),
    );
    this.#announce();
    return Number(changes);
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
    if (this.read.isOpen) this.#numbers.settle();
    this.read.close();
  }

  #makeGroup(db: DatabaseSync): GroupCommit {
    return new GroupCommit(db, {
      path: this.#options.path,
      queueMax: QUEUE_MAX,
      groupMax: GROUP_MAX,
      onBegin: () => {
        if (this.#foreign() || this.#countsVoid) this.#recount();
        this.#numbers.reserve(GROUP_MAX);
      },
      onCommit: () => this.#numbers.committed(),
      onRollback: () => {
        this.#countsVoid = true;
      },
      onDamage: () => this.#tellDamage(),
    });
  }

  #tellDamage(): void {
    if (this.#damaged === undefined) return;
    suspect(this.#options.path);
    this.#damaged();
    this.#damaged = undefined;
  }

  #refuseDuplicate(resultId: string): void {
    if (this.#isTaken.get(resultId) !== undefined) throw new StoreError("STORE_DUPLICATE", `result ${resultId}`);
  }

  #insert(result: StoredResult, isBound: boolean): void {
    const { sequence, resultId, utcMs, status, replaces } = result;
    const { referenceTag, pseudonymTag, fileTag, keyId, body } = this.#rows.sealResult(result);
    this.#insertResult.run(
      ...[sequence, resultId, utcMs, status, replaces, Number(isBound)],
      ...[referenceTag, pseudonymTag, fileTag, keyId, body],
    );
  }

  /** @param sequence of the result that they tell of */
  #enqueueAll(messages: readonly OutboxMessage[], sequence: number | null = null): void {
    const { outboxMaxRows, outboxMaxBytes } = this.#options;
    let rows = this.#counts.rows + messages.length;
    let bytes = messages.reduce((sum, { payload }) => sum + payload.length, this.#counts.bytes);
    if (messages.length > 0 && (rows > outboxMaxRows || bytes > outboxMaxBytes)) {
      throw new OutboxError(
        "OUTBOX_FULL",
        `${this.#counts.rows} messages with ${this.#counts.bytes} bytes wait, the limits are ${outboxMaxRows} and ${outboxMaxBytes}`,
      );
    }
    for (const message of messages) {
      if (this.#insertOne(message, sequence)) continue;
      rows -= 1;
      bytes -= message.payload.length;
    }
    this.#counts = { rows, bytes };
  }

  /** @returns false where the same message waits already */
  #insertOne(message: OutboxMessage, sequence: number | null): boolean {
    const { messageId, topic, qos, retain, contentType, expiryS } = message;
    const { keyId, payload } = this.#rows.sealMessage(message);
    const { changes } = this.#insertMessage.run(
      ...[messageId, topic, qos, Number(retain), contentType, expiryS],
      ...[this.#options.utcMs(), message.payload.length, sequence, keyId, payload],
    );
    return changes === 1;
  }

  #recount(): void {
    this.#counts = translated(this.#options.path, () => this.read.outboxCounts());
    this.#countsVoid = false;
    this.#numbers.reload();
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
