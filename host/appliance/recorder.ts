/**
 * Results and events into the store and its outbox: durable before anything is published.
 *
 * The caller's own reference stays here: every message that names one passes through this file, and leaves with what
 * `privacy.reference` wants in its place.
 */
import { randomUUID } from "node:crypto";
import { makeMessage, makeResultMessage } from "../mqtt/envelope.ts";
import type { EventData, ResultData } from "../mqtt/messages.ts";
import type { Identity } from "../mqtt/topics.ts";
import type { ResultStore } from "../store/results.ts";
import type { Binding } from "../store/schema.ts";
import type { UnsealedRow } from "../store/seal-reader.ts";
import { expectReplaceable } from "./commands/replacing.ts";

/** Binds results, and hears of those that are durable. */
export interface Binder {
  bind(data: ResultData): Binding;
  stored(row: UnsealedRow): void;
}

export interface RecorderParts {
  readonly store: ResultStore;
  readonly identity: Identity;
  readonly binder: Binder;
  /** What leaves in place of a reference. */
  readonly outward: (reference: string) => string;
}

export class Recorder {
  readonly #store: ResultStore;
  readonly #identity: Identity;
  readonly #binder: Binder;
  readonly #outward: RecorderParts["outward"];

  constructor({ store, identity, binder, outward }: RecorderParts) {
    this.#store = store;
    this.#identity = identity;
    this.#binder = binder;
    this.#outward = outward;
  }

  /**
   * Result, what binds it, and message in one transaction.
   *
   * @returns the result as it is stored, with its reference as it came
   * @throws StoreError; OutboxError OUTBOX_FULL; where it replaces another, as `expectReplaceable`: with nothing stored
   */
  async record(build: (sequence: number) => ResultData): Promise<ResultData> {
    let binding: Binding | null = null;
    const { data, sequence } = await this.#store.append((sequence) => {
      const data = build(sequence);
      expectReplaceable(this.#store.read, data);
      binding = data.seal === "pending" ? this.#binder.bind(data) : null;
      const leaving = this.leaving(data);
      return {
        resultId: data.resultId,
        utcMs: data.time.utcMs,
        reference: data.reference,
        pseudonym: leaving.reference === data.reference ? null : leaving.reference,
        fileDigest: data.input.fileDigest,
        rasterDigest: data.input.rasterDigest,
        status: data.status,
        replaces: data.replaces,
        data,
        binding,
        messages: [makeResultMessage(this.#identity, leaving)],
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

  /** @param id of the message, where it is known before @throws StoreError; OutboxError OUTBOX_FULL */
  async event(data: EventData, utcMs: number, id: string = randomUUID()): Promise<void> {
    await this.#store.enqueue([makeMessage(this.#identity, "event", { id, utcMs }, this.leaving(data))]);
  }

  /** What of it leaves; of what was stored, too, when it is sent again. */
  leaving<Data extends ResultData | EventData>(data: Data): Data {
    const reference = "reference" in data ? data.reference : null;
    return reference === null ? data : { ...data, reference: this.#outward(reference) };
  }
}
