/** Results and events into the store and its outbox: durable before anything is published. */
import { randomUUID } from "node:crypto";
import { makeMessage, makeResultMessage } from "../mqtt/envelope.ts";
import type { EventData, ResultData } from "../mqtt/messages.ts";
import type { Identity } from "../mqtt/topics.ts";
import type { ResultStore } from "../store/results.ts";

export class Recorder {
  readonly #store: ResultStore;
  readonly #identity: Identity;

  constructor(store: ResultStore, identity: Identity) {
    this.#store = store;
    this.#identity = identity;
  }

  /** Result and message in one transaction. @throws StoreError; OutboxError OUTBOX_FULL, with nothing stored */
  async record(build: (sequence: number) => ResultData): Promise<ResultData> {
    const { data } = await this.#store.append((sequence) => {
      const data = build(sequence);
      return {
        resultId: data.resultId,
        utcMs: data.time.utcMs,
        reference: data.reference,
        fileDigest: data.input.fileDigest,
        rasterDigest: data.input.rasterDigest,
        data,
        messages: [makeResultMessage(this.#identity, data)],
      };
    });
    return data as ResultData;
  }

  /** @throws StoreError; OutboxError OUTBOX_FULL */
  async event(data: EventData, utcMs: number): Promise<void> {
    await this.#store.enqueue([makeMessage(this.#identity, "event", { id: randomUUID(), utcMs }, data)]);
  }
}
