/** A real database with results, some of them sealed. The work is searched on this machine, at next to no difficulty. */
import { bindResult } from "../../seal/bind.ts";
import { closeBatch } from "../../seal/closed-batch.ts";
import type { ResultToBind } from "../../seal/commitment.ts";
import { encodeSeal, makeSeal, type Seal } from "../../seal/seal.ts";
import { FIRST_PREVIOUS } from "../../seal/sealed-value.ts";
import type { SigningKey } from "../../seal/signing-key.ts";
import { mine, SAMPLE_UTC_MS, sampleKey, sampleResult } from "../../seal/testing/samples.ts";
import { ResultStore } from "../../store/results.ts";
import { sampleVault } from "../../store/testing/vault.ts";

const DIFFICULTY = 2 ** -20;
const DEVICE = { kind: "stratum", simulated: true, name: "no device: a test" } as const;

export class SealedStore {
  readonly store: ResultStore;
  readonly key: SigningKey;

  constructor(path: string, key = sampleKey(1), vault = sampleVault(1)) {
    this.store = new ResultStore({ path, vault, utcMs: () => SAMPLE_UTC_MS });
    this.key = key;
  }

  /** @param bound false for results that are never sealed @returns the sequence number */
  async append(change: Partial<ResultToBind> = {}, bound = true): Promise<number> {
    const { sequence } = await this.store.append((sequence) => {
      const data = { ...sampleResult(sequence), ...change };
      return {
        resultId: data.resultId,
        utcMs: data.time.utcMs,
        reference: null,
        pseudonym: null,
        ...data.input,
        status: "preliminary",
        replaces: null,
        data,
        binding: bound ? bindResult(data, this.key) : null,
        messages: [],
      };
    });
    return sequence;
  }

  /** Closes a batch of everything that waits. @returns its number */
  async close(): Promise<number> {
    const { seals } = this.store.read;
    const waiting = seals.waiting(1024);
    const previous = seals.newest()?.sealedValue ?? FIRST_PREVIOUS;
    const closed = closeBatch(
      waiting.map(({ commitment }) => commitment),
      previous,
    );
    return this.store.closeBatch(
      { ...closed, closedUtcMs: SAMPLE_UTC_MS },
      waiting.map(({ sequence }) => sequence),
    );
  }

  /** Appends `size` results and seals them as one batch. */
  async seal(size: number): Promise<Seal> {
    for (let i = 0; i < size; i++) await this.append();
    const number = await this.close();
    const batch = this.store.read.seals.batch(number);
    if (batch === undefined) throw new Error("the batch is gone");
    const proof = mine(batch.sealedValue, DIFFICULTY);
    const rest = { utcMs: SAMPLE_UTC_MS, appliance: "ward-3" };
    const seal = makeSeal({ batch, proof, device: DEVICE, difficulty: DIFFICULTY, ...rest }, this.key);
    await this.store.sealBatch(number, encodeSeal(seal), []);
    return seal;
  }
}
