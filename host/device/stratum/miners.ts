/** What is known of each worker, over all its connections; bounded. */
import type { ShareRefusal } from "../../work/share.ts";
import type { Worker } from "./conversation.ts";
import type { AcceptedShare } from "./miner-work.ts";
import { ShareTimes } from "./share-times.ts";

/** A wait of 7 times the mean has a chance of 0.1 %. */
const SILENT_MEANS = 7;

/** Times in ms of the clock that never goes back, unless they say UTC. What is unknown is null, never 0. */
export interface MinerView extends Worker {
  /** Connections that are open now, and all there ever were. */
  readonly connected: number;
  readonly connections: number;
  readonly address: string;
  /** Of the latest connection. */
  readonly difficulty: number | null;
  readonly versionMask: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<ShareRefusal, number>>>;
  readonly bestDifficulty: number | null;
  readonly lastShareUtcMs: number | null;
  /** Since the last accepted share, or since it joined. */
  readonly quietMs: number;
  /** Mean wait for a share at its present difficulty, from verified shares. */
  readonly meanShareMs: number | null;
  /** Hashes a second, from verified shares. */
  readonly hashrate: number | null;
  /** False after a silence that chance hardly explains; null while too few shares are known. */
  readonly mining: boolean | null;
}

export class Miner {
  worker: Worker;
  address = "";
  connected = 0;
  connections = 0;
  difficulty: number | null = null;
  versionMask = 0;
  readonly times = new ShareTimes();
  #accepted = 0;
  readonly #rejected: Partial<Record<ShareRefusal, number>> = {};
  #best: number | null = null;
  #lastShareUtcMs: number | null = null;
  #quietSinceMs: number;

  constructor(worker: Worker, nowMs: number) {
    this.worker = worker;
    this.#quietSinceMs = nowMs;
  }

  joined(worker: Worker, address: string, nowMs: number): void {
    this.worker = worker;
    this.address = address;
    this.connections += 1;
    this.connected += 1;
    if (this.connected === 1) this.#quietSinceMs = nowMs;
  }

  accepted({ verdict, difficulty, waitedMs }: AcceptedShare, nowMs: number, utcMs: number): void {
    this.#accepted += 1;
    this.#best = Math.max(this.#best ?? 0, verdict.difficulty);
    this.#lastShareUtcMs = utcMs;
    this.#quietSinceMs = nowMs;
    this.times.add(waitedMs, difficulty);
  }

  rejected(reason: ShareRefusal): void {
    this.#rejected[reason] = (this.#rejected[reason] ?? 0) + 1;
  }

  view(nowMs: number): MinerView {
    const { worker, address, connected, connections, difficulty, versionMask, times } = this;
    const meanShareMs = difficulty === null ? null : times.meanMs(difficulty);
    const quietMs = nowMs - this.#quietSinceMs;
    const mining = meanShareMs === null ? null : connected > 0 && quietMs < SILENT_MEANS * meanShareMs;
    return {
      ...worker,
      ...{ address, connected, connections, difficulty, versionMask, quietMs, meanShareMs, mining },
      accepted: this.#accepted,
      rejected: { ...this.#rejected },
      bestDifficulty: this.#best,
      lastShareUtcMs: this.#lastShareUtcMs,
      hashrate: times.hashrate,
    };
  }
}

export class Miners {
  readonly #limit: number;
  readonly #byName = new Map<string, Miner>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The worker's record, the most recently used last; those that are gone make room, the longest unused first. */
  of(worker: Worker, nowMs: number): Miner {
    const miner = this.#byName.get(worker.name) ?? new Miner(worker, nowMs);
    this.#byName.delete(worker.name);
    this.#byName.set(worker.name, miner);
    if (this.#byName.size > this.#limit) this.#makeRoom(miner);
    return miner;
  }

  #makeRoom(except: Miner): void {
    for (const [name, miner] of this.#byName) {
      if (miner === except || miner.connected > 0) continue;
      this.#byName.delete(name);
      return;
    }
  }

  all(): Miner[] {
    return [...this.#byName.values()];
  }
}
