/**
 * `node --expose-gc crowd.ts MINERS SECONDS`: many miners on one bridge, at the rate of fast ones, a few of which lose
 * their connection every second. Bridge and miners share this process; both should keep nothing of what is over.
 * Simulated: nearly every nonce is a share. One JSON document on stdout.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { testBridge, until } from "../../host/device/stratum/testing/bridge.ts";
import { FakeMiner } from "../../host/device/stratum/testing/fake-miner.ts";
import { profileAt } from "../../host/device/stratum/testing/profiles.ts";

/** One hash, one share. */
const EASIEST = 2 ** -32;
const HASHES_PER_S = 50;
const SEAL_EVERY_MS = 50;
const BROKEN_OFF_PER_S = 4;

export interface CrowdFigures {
  readonly miners: number;
  readonly shares: number;
  readonly fewest: number;
  readonly seals: number;
  readonly connections: number;
  readonly violations: readonly string[];
  readonly rejections: readonly string[];
  /** Once a second. */
  readonly liveMiB: readonly number[];
  readonly rssMiB: readonly number[];
}

const [count = "64", seconds = "30"] = process.argv.slice(2);
const mib = (bytes: number) => Math.round((10 * bytes) / 2 ** 20) / 10;

function live(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return mib(heapUsed + external);
}

let seals = 0;
const on = await testBridge({
  simulatedVardiff: { least: EASIEST, most: EASIEST },
  onProof: () => {
    seals += 1;
  },
});
const seek = () =>
  on.bridge.seek({ commitment: Buffer.alloc(32, seals % 251), difficulty: 256, simulatedDifficulty: EASIEST });
const sealing = setInterval(seek, SEAL_EVERY_MS);
const miners = Array.from({ length: Number(count) }, (_, i) =>
  new FakeMiner({
    profile: profileAt(i),
    port: on.port,
    worker: `model.${i}`,
    hashrate: HASHES_PER_S,
    reconnectMs: 50,
  }).start(),
);
const sum = (of: (miner: FakeMiner) => number) => miners.reduce((total, miner) => total + of(miner), 0);
const liveMiB: number[] = [];
const rssMiB: number[] = [];
try {
  await until(() => miners.every(({ accepted }) => accepted > 0));
  for (let second = 0; second < Number(seconds); second++) {
    for (let i = 0; i < BROKEN_OFF_PER_S; i++) miners[(second * BROKEN_OFF_PER_S + i) % miners.length]?.breakOff();
    await sleep(1000);
    liveMiB.push(live());
    rssMiB.push(mib(process.memoryUsage.rss()));
  }
} finally {
  clearInterval(sealing);
  for (const miner of miners) miner.stop();
  await on.server.close();
}
const figures: CrowdFigures = {
  miners: miners.length,
  shares: sum(({ accepted }) => accepted),
  fewest: Math.min(...miners.map(({ accepted }) => accepted)),
  seals,
  connections: sum(({ connections }) => connections),
  violations: miners.flatMap(({ violations }) => violations),
  rejections: miners.flatMap(({ rejections }) => rejections),
  liveMiB,
  rssMiB,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
