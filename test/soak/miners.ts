/** The miners of the soak, each behind a bad line: one as strict as today's firmware, one as sloppy as the oldest, an S9. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ATTACKS } from "../../host/device/stratum/testing/attacks.ts";
import { FakeMiner } from "../../host/device/stratum/testing/fake-miner.ts";
import { ESP_MINER, OLDEST, S9 } from "../../host/device/stratum/testing/profiles.ts";
import type { Seeded } from "../../host/device/testing/seeded.ts";
import { FaultyLine } from "./line.ts";
import type { LineFault } from "./plan.ts";
import type { ShareBook } from "./shares.ts";

const PROFILES = [ESP_MINER, OLDEST, S9];
const HASHES_PER_S = 12_000;
const RECONNECT_MS = 300;
const STRANGER_MS = 2000;

export interface MinersOptions {
  readonly poolPort: number;
  readonly book: ShareBook;
  readonly seeded: Seeded;
  readonly stallMs: number;
}

export class Miners {
  readonly #options: MinersOptions;
  readonly #lines: readonly FaultyLine[];
  readonly #miners: readonly FakeMiner[];

  private constructor(options: MinersOptions, lines: readonly FaultyLine[]) {
    this.#options = options;
    this.#lines = lines;
    this.#miners = lines.map(
      ({ port }, i) =>
        new FakeMiner({
          profile: PROFILES[i % PROFILES.length] ?? ESP_MINER,
          port,
          worker: `simulated.${i}`,
          hashrate: HASHES_PER_S,
          reconnectMs: RECONNECT_MS,
        }),
    );
  }

  static async make(options: MinersOptions): Promise<Miners> {
    return new Miners(options, await Promise.all(PROFILES.map(() => FaultyLine.listen(options))));
  }

  get workers(): string[] {
    return this.#miners.map(({ worker }) => worker);
  }

  get connections(): number {
    return this.#miners.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** What would have broken real firmware. */
  get violations(): string[] {
    return this.#miners.flatMap(({ violations }) => violations);
  }

  start(): void {
    for (const miner of this.#miners) miner.start();
  }

  /** All go away; `start` brings them back. */
  stop(): void {
    for (const miner of this.#miners) miner.stop();
  }

  close(): void {
    this.stop();
    for (const line of this.#lines) line.close();
  }

  suffer(fault: LineFault): boolean {
    const { seeded } = this.#options;
    const foreign = seeded.pick(this.#lines).lastShare;
    return seeded.pick(this.#lines).suffer(fault, foreign);
  }

  /** A hostile client of the pool, for a moment. */
  async stranger(): Promise<void> {
    const { seeded, poolPort } = this.#options;
    const attack = ATTACKS[seeded.pick(Object.keys(ATTACKS))];
    const shares = this.#lines.flatMap(({ lastShare }) => {
      return lastShare === undefined ? [] : [JSON.stringify({ id: 1, method: "mining.submit", params: lastShare })];
    });
    const socket = connect({ port: poolPort, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.once("connect", () => attack?.(socket, seeded, { workers: ["simulated.evil"], shares }));
    await sleep(STRANGER_MS);
    socket.destroy();
  }
}
