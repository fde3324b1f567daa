/** Many simulated miners on one bridge, batch after batch; for the memory it takes, and whether all are served. */
import { setTimeout as sleep } from "node:timers/promises";
import { testBridge, until } from "./bridge.ts";
import { FakeMiner } from "./fake-miner.ts";
import { profileAt } from "./profiles.ts";

export interface CrowdOptions {
  readonly miners: number;
  /** Batches to seal, at least. */
  readonly batches: number;
  /** How long to go on, in ms. */
  readonly forMs: number;
}

export interface CrowdReport {
  readonly shares: number;
  readonly sealed: number;
  /** Shares of the miner that had fewest. */
  readonly fewest: number;
  readonly violations: readonly string[];
  /** Stale ones aside: batches change under the miners' hands. */
  readonly rejections: readonly string[];
  /** The whole process's heap at tenths of the time, miners included; live objects only with `node --expose-gc`. */
  readonly heapMiB: readonly number[];
}

/** 256 hashes a share. */
const EASIEST = 2 ** -24;
const SAMPLES = 10;

function heapNowMiB(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((10 * (heapUsed + external)) / 2 ** 20) / 10;
}

export async function runCrowd({ miners: count, batches, forMs }: CrowdOptions): Promise<CrowdReport> {
  let sealed = 0;
  const sealing = () => ({
    commitment: Buffer.alloc(32, sealed % 251),
    difficulty: 256,
    simulatedDifficulty: EASIEST * 16,
  });
  const on = await testBridge({
    simulatedVardiff: { least: EASIEST, most: EASIEST },
    onProof: () => {
      sealed += 1;
      on.bridge.seek(sealing());
    },
  });
  on.bridge.seek(sealing());
  const miners = Array.from({ length: count }, (_, i) =>
    new FakeMiner({ profile: profileAt(i), port: on.port, worker: `model.${i}`, hashrate: 1000 }).start(),
  );
  const heapMiB: number[] = [];
  try {
    await until(() => sealed >= batches && miners.every(({ accepted }) => accepted > 0), 60_000);
    for (let i = 0; i < SAMPLES && forMs > 0; i++) {
      await sleep(forMs / SAMPLES);
      heapMiB.push(heapNowMiB());
    }
    return {
      shares: miners.reduce((sum, { accepted }) => sum + accepted, 0),
      sealed,
      fewest: Math.min(...miners.map(({ accepted }) => accepted)),
      violations: miners.flatMap(({ violations }) => violations),
      rejections: miners.flatMap(({ rejections }) => rejections),
      heapMiB,
    };
  } finally {
    for (const miner of miners) miner.stop();
    await on.server.close();
  }
}
