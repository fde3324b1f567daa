/**
 * From a share's bytes to its seal, on the appliance's own parts: pool, search, verification, signature, database,
 * outbox and publisher. The miner, in this process too, is simulated; where the broker's client would be stands a clock.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { Changes } from "../../host/appliance/changes.ts";
import { Pool } from "../../host/appliance/pool.ts";
import { Sealing } from "../../host/appliance/sealing/sealing.ts";
import { PoolSearcher } from "../../host/appliance/sealing/searchers.ts";
import { systemClock } from "../../host/device/clock.ts";
import { difficultyOf, headerOf, readNotify } from "../../host/device/stratum/testing/fake-job.ts";
import { makeSealMessage } from "../../host/mqtt/envelope.ts";
import { OutboxPublisher } from "../../host/mqtt/publisher.ts";
import { SigningKey } from "../../host/seal/signing-key.ts";
import { sampleResult } from "../../host/seal/testing/samples.ts";
import { ResultStore } from "../../host/store/results.ts";
import type { OutboxMessage } from "../../host/store/schema.ts";
import { sampleVault } from "../../host/store/testing/vault.ts";
import { freePort } from "../demo/appliance.ts";

export const BATCH = 1024;
/** 4,096 hashes: the easiest that a simulated session gets. */
const DIFFICULTY = 2 ** -20;
const IDENTITY = { site: "bench", appliance: "bench" };
const SMALL: OutboxMessage = {
  ...{ messageId: "small", topic: "bench", qos: 1, retain: false, contentType: "text/plain", expiryS: null },
  payload: Buffer.from("small"),
};

export interface SealTimes {
  /** From the submit's bytes on their way to the seal and its message durable, in ms. */
  readonly durable: number[];
  /** … to the message in the hands of the broker's client. */
  readonly published: number[];
  /** A message into the outbox and nothing else: what the disk takes. */
  readonly bare: number[];
}

export class SealPath {
  readonly #store: ResultStore;
  readonly #pool: Pool;
  readonly #sealing: Sealing;
  readonly #publisher: OutboxPublisher;
  readonly #port: number;
  #durableMs = 0;
  #published: () => void = () => {};

  private constructor(folder: string, port: number) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    this.#port = port;
    this.#store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: Date.now });
    const changes = new Changes();
    const config = { listen: `127.0.0.1:${port}`, advertise: null, workers: [], simulatedWorkers: ["simulated"] };
    this.#pool = new Pool({ config: { ...config, idle: "keep" }, changes });
    const difficulties = { real: 256, simulated: DIFFICULTY };
    this.#sealing = new Sealing({
      configured: true,
      searchers: [new PoolSearcher(this.#pool, difficulties, () => {})],
      ...{ changes, clock: systemClock, appliance: IDENTITY.appliance, minDifficulty: 256, store: this.#store },
      policy: { maxSize: BATCH, maxAgeMs: 3_600_000, deadlineMs: 86_400_000 },
      key: SigningKey.ofSeed(randomBytes(32)),
      utcMs: Date.now,
      messagesOf: (seal) => [makeSealMessage(IDENTITY, seal)],
      onSealed: () => {},
      onEvent: () => {},
      onTrouble: (code, message) => {
        throw new Error(`${code}: ${message}`);
      },
    });
    this.#store.onMessages(() => {
      this.#durableMs = performance.now();
    });
    const client = {
      online: true,
      onChange: () => () => {},
      publish: async () => this.#published(),
    };
    this.#publisher = new OutboxPublisher({ store: this.#store, client });
  }

  static async open(folder: string): Promise<SealPath> {
    const path = new SealPath(folder, await freePort());
    await path.#pool.start();
    await path.#sealing.start();
    path.#publisher.start();
    return path;
  }

  /** Seals `count` batches, one after the other. @param per batches a connection: a miner's difficulty would rise */
  async run(count: number, per = 10): Promise<SealTimes> {
    const times: SealTimes = { durable: [], published: [], bare: [] };
    for (let done = 0; done < count; done += per) {
      const miner = await Miner.join(this.#port);
      for (let i = 0; i < Math.min(per, count - done); i++) await this.#one(miner, times);
      miner.close();
    }
    return times;
  }

  async stop(): Promise<void> {
    await this.#sealing.stop();
    await this.#pool.stop();
    await this.#publisher.stop();
    this.#store.close();
  }

  async #one(miner: Miner, times: SealTimes): Promise<void> {
    const before = miner.jobs;
    await Promise.all(Array.from({ length: BATCH }, () => this.#result()));
    const submit = await miner.search(before);
    const published = new Promise<number>((resolve) => {
      this.#published = () => resolve(performance.now());
    });
    const startedMs = performance.now();
    miner.send(submit);
    times.published.push((await published) - startedMs);
    times.durable.push(this.#durableMs - startedMs);
    times.bare.push(await this.#bareWrite());
  }

  async #bareWrite(): Promise<number> {
    const startedMs = performance.now();
    await this.#store.enqueue([SMALL]);
    return performance.now() - startedMs;
  }

  async #result(): Promise<void> {
    const resultId = randomUUID();
    let bound: { readonly sequence: number; readonly commitment: Uint8Array } | undefined;
    const { utcMs } = await this.#store.append((sequence) => {
      const data = sampleResult(sequence, { resultId, appliance: IDENTITY.appliance });
      const binding = this.#sealing.bind(data);
      bound = { sequence, commitment: binding.commitment };
      const { fileDigest, rasterDigest } = data.input;
      const names = { resultId, utcMs: Date.now(), reference: null, pseudonym: null, fileDigest, rasterDigest };
      return { ...names, status: "preliminary", replaces: null, data, binding, messages: [] };
    });
    if (bound !== undefined) this.#sealing.stored({ resultId, utcMs, ...bound });
  }
}

/** The least that a Stratum client can be. */
class Miner {
  jobs = 0;
  readonly #socket: Socket;
  #text = "";
  #params: readonly unknown[] = [];
  #extranonce1 = "";
  #wake: () => void = () => {};

  private constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk) => this.#receive(String(chunk)));
    this.#socket.write('{"id":1,"method":"mining.subscribe","params":["bench"]}\n');
    this.#socket.write('{"id":2,"method":"mining.authorize","params":["simulated","x"]}\n');
  }

  static async join(port: number): Promise<Miner> {
    const miner = new Miner(port);
    while (miner.jobs === 0) await miner.#news();
    return miner;
  }

  /** Waits for a job after the first `before`, and finds a share of it. @returns the line to submit */
  async search(before: number): Promise<string> {
    while (this.jobs <= before) await this.#news();
    const job = readNotify(this.#params);
    const header = headerOf(job, `${this.#extranonce1}00000000`);
    header.writeUInt32LE(job.version, 0);
    let nonce = 0;
    do header.writeUInt32LE(++nonce, 76);
    while (difficultyOf(header) < DIFFICULTY);
    const params = ["simulated", job.id, "00000000", job.ntime, nonce.toString(16).padStart(8, "0")];
    return `${JSON.stringify({ id: 7, method: "mining.submit", params })}\n`;
  }

  send(line: string): void {
    this.#socket.write(line);
  }

  close(): void {
    this.#socket.destroy();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #receive(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      const { id, method, params, result } = JSON.parse(line);
      if (id === 1) this.#extranonce1 = result[1];
      if (method !== "mining.notify") continue;
      this.#params = params;
      this.jobs += 1;
    }
    this.#wake();
  }
}
