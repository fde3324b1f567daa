/** A simulated stock miner on loopback: its web interface, and hashing for the pool that it is set to, after a restart. */
import { FakeAxeos } from "../../../device/axeos/testing/fake-axeos.ts";
import { PAYLOADS, type PayloadName } from "../../../device/axeos/testing/payloads.ts";
import { FakeMiner } from "../../../device/stratum/testing/fake-miner.ts";
import { ESP_MINER, STOCK } from "../../../device/stratum/testing/profiles.ts";

const BOOT_MS = 20;
const RECONNECT_MS = 100;

export interface PoolSetting {
  readonly stratumURL: unknown;
  readonly stratumPort: unknown;
  readonly stratumUser: unknown;
}

export class StockMiner {
  readonly axeos: FakeAxeos;
  readonly #hashrate: number;
  #miner: FakeMiner | undefined;
  #boot: NodeJS.Timeout | undefined;

  private constructor(axeos: FakeAxeos, hashrate: number) {
    this.axeos = axeos;
    this.#hashrate = hashrate;
    axeos.handler = (request) => {
      if (request.url === "/api/system/restart") this.#restart();
      return false;
    };
  }

  /** @param hashrate hashes a second; 0 finds no share */
  static async start(payload: PayloadName, hashrate = 50_000): Promise<StockMiner> {
    return new StockMiner(await FakeAxeos.start(PAYLOADS[payload]), hashrate);
  }

  /** As `lv06 device pair` is told. */
  get address(): string {
    return `127.0.0.1:${this.axeos.port}`;
  }

  /** The pool that it would work for. */
  get pool(): PoolSetting {
    const { pools, primaryPoolIndex } = this.axeos.info;
    const slots = Array.isArray(pools) ? (pools as (PoolSetting & { readonly id: unknown })[]) : undefined;
    const { stratumURL, stratumPort, stratumUser } =
      slots === undefined ? this.axeos.info : (slots.find(({ id }) => id === primaryPoolIndex) ?? {});
    return { stratumURL, stratumPort, stratumUser };
  }

  /** All that it is set to, with what a restart changes left out. */
  get settings(): unknown {
    return JSON.parse(JSON.stringify({ ...this.axeos.info, uptimeSeconds: undefined }));
  }

  /** It works no more, until it is restarted. */
  stall(): void {
    clearTimeout(this.#boot);
    this.#miner?.stop();
  }

  async close(): Promise<void> {
    this.stall();
    await this.axeos.close();
  }

  #restart(): void {
    this.#miner?.stop();
    clearTimeout(this.#boot);
    this.#boot = setTimeout(() => this.#mine(), BOOT_MS);
  }

  /** There is no network here but loopback: for a pool elsewhere it does nothing. */
  #mine(): void {
    const { stratumURL, stratumPort, stratumUser } = this.pool;
    if (stratumURL !== "127.0.0.1") return;
    this.#miner = new FakeMiner({
      profile: Array.isArray(this.axeos.info.pools) ? ESP_MINER : STOCK,
      port: Number(stratumPort),
      worker: String(stratumUser),
      hashrate: this.#hashrate,
      reconnectMs: RECONNECT_MS,
    }).start();
  }
}
