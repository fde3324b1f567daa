/**
 * A miner in this process, on a line of its own, under a virtual clock: it hashes truly, at difficulties of a few dozen
 * hashes, and knows Stratum from the wire format alone. Simulated.
 */
import type { Clock } from "../../host/device/clock.ts";
import type { StratumBridge } from "../../host/device/stratum/bridge.ts";
import type { Peer } from "../../host/device/stratum/peer.ts";
import { difficultyOf, headerOf, type Notify, readNotify } from "../../host/device/stratum/testing/fake-job.ts";
import type { FaultBox } from "../faults/faulty.ts";
import { FaultyPipe } from "../faults/pipe.ts";

export interface MinerOptions {
  readonly worker: string;
  readonly bridge: StratumBridge;
  readonly clock: Clock;
  readonly random: () => number;
  readonly box: FaultBox;
}

const SHARE_MS = 700;
const RECONNECT_MS = 500;
/** A miner that has nothing accepted for so long begins again: what it was told may have come damaged. */
const PATIENCE_MS = 12_000;
/** So many refusals in a row do the same. */
const REFUSALS_MAX = 6;
/** Damage may ask for any difficulty. */
const MOST_HASHES = 1000;
const LINE_MAX = 16_384;

export class VirtualMiner {
  readonly #options: MinerOptions;
  accepted = 0;
  refused = 0;
  connections = 0;
  #peer: Peer | null = null;
  #pipe: FaultyPipe | undefined;
  #text = "";
  #extranonce1: string | undefined;
  #difficulty = Number.POSITIVE_INFINITY;
  #job: Notify | undefined;
  #refusalsInARow = 0;
  #nextId = 10;
  #counter = 0;
  #stopped = false;
  #goodMs = 0;
  readonly #submits = new Set<unknown>();
  #cancel: () => void = () => {};

  constructor(options: MinerOptions) {
    this.#options = options;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#hangUp();
  }

  #connect(): void {
    const { bridge, box, worker, clock } = this.#options;
    this.connections += 1;
    this.#goodMs = clock.nowMs();
    this.#text = "";
    this.#extranonce1 = undefined;
    this.#job = undefined;
    this.#difficulty = Number.POSITIVE_INFINITY;
    this.#refusalsInARow = 0;
    this.#submits.clear();
    const pipe = new FaultyPipe(box, {
      toDevice: (bytes) => this.#hear(bytes),
      toHost: (bytes) => this.#peer !== null && bridge.receive(this.#peer, bytes),
      // As a socket does: not within the write that it ends.
      unplugged: () => queueMicrotask(() => this.#closed(pipe)),
    });
    this.#pipe = pipe;
    this.#peer = bridge.connect({
      address: worker,
      unreadBytes: 0,
      send: (text) => pipe.write(Buffer.from(text)),
      close: () => this.#closed(pipe),
    });
    const mask = { "version-rolling.mask": "ffffffff" };
    this.#say({ id: 1, method: "mining.configure", params: [["version-rolling"], mask] });
    this.#say({ id: 2, method: "mining.subscribe", params: ["virtual"] });
    this.#say({ id: 3, method: "mining.authorize", params: [worker, "x"] });
    // The answers may have ended it again.
    if (this.#pipe === pipe) this.#mineLater();
  }

  #mineLater(): void {
    const { clock, random } = this.#options;
    this.#cancel = clock.after(SHARE_MS * (0.5 + random()), () => {
      if (clock.nowMs() - this.#goodMs > PATIENCE_MS) return this.#again();
      this.#mineLater();
      this.#mine();
    });
  }

  /** The bridge ended it, or a fault did. */
  #closed(pipe: FaultyPipe): void {
    if (this.#pipe === pipe) this.#again();
  }

  #again(): void {
    this.#hangUp();
    if (!this.#stopped) this.#cancel = this.#options.clock.after(RECONNECT_MS, () => this.#connect());
  }

  #hangUp(): void {
    this.#cancel();
    const peer = this.#peer;
    const pipe = this.#pipe;
    this.#peer = null;
    this.#pipe = undefined;
    pipe?.end();
    peer?.end("closed-by-peer");
  }

  #say(message: object): void {
    this.#pipe?.hear(Buffer.from(`${JSON.stringify(message)}\n`));
  }

  #hear(bytes: Uint8Array): void {
    const lines = (this.#text + Buffer.from(bytes).toString("latin1")).split("\n");
    this.#text = (lines.pop() ?? "").slice(0, LINE_MAX);
    for (const line of lines) this.#heed(line);
  }

  /** What is damaged is passed over, as firmware does. */
  #heed(line: string): void {
    try {
      const { id, method, params, result } = JSON.parse(line) as Record<string, unknown>;
      if (id === 2 && Array.isArray(result)) this.#extranonce1 = String(result[1]);
      else if (method === "mining.set_difficulty" && Array.isArray(params)) this.#difficulty = Number(params[0]);
      else if (method === "mining.notify" && Array.isArray(params)) this.#job = readNotify(params);
      else if (this.#submits.delete(id)) this.#answered(result === true);
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    }
  }

  #answered(right: boolean): void {
    if (right) {
      this.accepted += 1;
      this.#goodMs = this.#options.clock.nowMs();
    } else this.refused += 1;
    this.#refusalsInARow = right ? 0 : this.#refusalsInARow + 1;
    if (this.#refusalsInARow >= REFUSALS_MAX) this.#again();
  }

  #mine(): void {
    const job = this.#job;
    if (job === undefined || this.#extranonce1 === undefined || !/^[0-9a-f]{8}$/.test(this.#extranonce1)) return;
    const extranonce2 = (this.#counter++ >>> 0).toString(16).padStart(8, "0");
    const header = headerOf(job, this.#extranonce1 + extranonce2);
    header.writeUInt32LE(job.version >>> 0, 0);
    for (let nonce = 0; nonce < MOST_HASHES; nonce++) {
      header.writeUInt32LE(nonce, 76);
      if (difficultyOf(header) < this.#difficulty) continue;
      const id = this.#nextId++;
      this.#submits.add(id);
      const hex = nonce.toString(16).padStart(8, "0");
      this.#say({
        id,
        method: "mining.submit",
        params: [this.#options.worker, job.id, extranonce2, job.ntime, hex, "00000000"],
      });
      return;
    }
  }
}
