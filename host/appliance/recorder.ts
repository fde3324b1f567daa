/** Results and events into the store and its outbox: durable before anything is published. */
import { randomUUID } from "node:crypto";
import { makeMessage, makeResultMessage } from "../mqtt/envelope.ts";
import type { EventData, ResultData } from "../mqtt/messages.ts";
import type { Identity } from "../mqtt/topics.ts";
import type { ResultStore } from "../store/results.ts";
import type { Binding } from "../store/schema.ts";
import type { UnsealedRow } from "../store/seal-reader.ts";

/** Binds results, and hears of those that are durable. */
export interface Binder {
  bind(data: ResultData): Binding;
  stored(row: UnsealedRow): void;
}

export class Recorder {
  readonly #store: ResultStore;
  readonly #identity: Identity;
  readonly #binder: Binder;

  constructor(store: ResultStore, identity: Identity, binder: Binder) {
    this.#store = store;
    this.#identity = identity;
    this.#binder = binder;
  }

  /** Result, what binds it, and message in one transaction. @throws StoreError; OutboxError OUTBOX_FULL, with nothing stored */
  async record(build: (sequence: number) => ResultData): Promise<ResultData> {
    let binding: Binding | null = null;
    const { data, sequence } = await this.#store.append((sequence) => {
      const data = build(sequence);
      binding = data.seal === "pending" ? this.#binder.bind(data) : null;
      return {
        resultId: data.resultId,
        utcMs: data.time.utcMs,
        reference: data.reference,
        fileDigest: data.input.fileDigest,
        rasterDigest: data.input.rasterDigest,
        data,
        binding,
        messages: [makeResultMessage(this.#identity, data)],
      };
    });
    const result = data as ResultData;
    this.#joined(result, sequence, binding);
    return result;
  }

  #joined({ resultId, time }: ResultData, sequence: number, binding: Binding | null): void {
    if (binding === null) return;
    this.#binder.stored({ resultId, sequence, utcMs: time.utcMs, commitment: binding.commitment });
  }

  /** @throws StoreError; OutboxError OUTBOX_FULL */
  async event(data: EventData, utcMs: number): Promise<void> {
    await this.#store.enqueue([makeMessage(this.#identity, "event", { id: randomUUID(), utcMs }, data)]);
  }
}
