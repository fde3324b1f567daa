/** The miners with stock firmware: those of `device.miners`, and whoever else works for the pool. */
import { atMost } from "../../device/clock.ts";
import type { BridgeView } from "../../device/stratum/bridge.ts";
import type { MinerView } from "../../device/stratum/miners.ts";
import type { WorkingPower } from "../../health/energy.ts";
import { AnswerFolder } from "./answer-file.ts";
import { minerClient } from "./miner-client.ts";
import type { MinerUrl } from "./miner-url.ts";
import { type MinerHealth, strangerHealth } from "./miner-view.ts";
import { type MinerSurroundings, WatchedMiner } from "./watched-miner.ts";

export type FleetOptions = Omit<MinerSurroundings, "listening" | "proven" | "answers"> & {
  readonly miners: readonly MinerUrl[];
  /** Where the latest answer of each miner is kept, as JSON without its secrets; null: nowhere. */
  readonly folder: string | null;
  /** The pool as it is now; undefined while nobody can work for it. */
  readonly pool: () => Pick<BridgeView, "miners"> | undefined;
};

/** As many as a health message holds. */
const SHOWN_MAX = 64;
const TICK_MS = 1_000;
const STOP_MS = 2_000;

export class MinerFleet {
  readonly #options: FleetOptions;
  readonly #miners: readonly WatchedMiner[];
  #cancelTick: () => void = () => {};
  #stopped = false;
  /** At the last tick. */
  #busy = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { folder, miners } = options;
    const workers = miners.map(({ worker }) => worker);
    const around: MinerSurroundings = {
      ...options,
      answers: folder ? new AnswerFolder(folder, workers) : undefined,
      listening: () => options.pool() !== undefined,
      proven: (worker) => this.#atPool().find(({ name }) => name === worker),
    };
    this.#miners = miners.map((url) => new WatchedMiner(url, minerClient(url), around));
  }

  start(): void {
    if (this.#options.idle === "pause" && this.#miners.length > 0) {
      this.#tick();
      this.#tickLater();
    }
    for (const miner of this.#miners) miner.start();
  }

  /** Switches on what was switched off; takes 2 s at most. Idempotent, never rejects. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTick();
    const stopping = this.#miners.map((miner) => miner.stop(STOP_MS));
    await atMost(this.#options.clock, STOP_MS, Promise.all(stopping));
  }

  /** Something is to be sealed: miners that were switched off are switched on at once. For each result: it is cheap. */
  wake(): void {
    if (this.#options.idle === "pause" && !this.#busy && !this.#stopped) this.#tick();
  }

  /** As `health.miners`: the configured first, then those that are connected, at most 64. */
  views(): MinerHealth[] {
    const configured = new Set(this.#miners.map(({ url }) => url.worker));
    const others = this.#atPool().filter(({ name }) => !configured.has(name));
    const [here, gone] = [others.filter(isConnected), others.filter((miner) => !isConnected(miner))];
    const all = [...this.#miners.map((miner) => miner.health()), ...[...here, ...gone].map(strangerHealth)];
    return all.slice(0, SHOWN_MAX);
  }

  /** What every miner that works for the pool draws; not known of those that are not read. */
  power(): WorkingPower[] {
    return this.#atPool()
      .filter(isConnected)
      .map(({ name, simulated }) => {
        const miner = this.#miners.find(({ url }) => url.worker === name);
        return miner?.power() ?? { powerW: null, simulated };
      });
  }

  #atPool(): readonly MinerView[] {
    return this.#options.pool()?.miners ?? [];
  }

  #tick(): void {
    this.#busy = this.#options.busy();
    for (const miner of this.#miners) miner.tick();
  }

  #tickLater(): void {
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => {
      this.#tick();
      if (!this.#stopped) this.#tickLater();
    });
  }
}

function isConnected({ connected }: MinerView): boolean {
  return connected > 0;
}
