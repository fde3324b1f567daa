import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { FakeMiner } from "../device/stratum/testing/fake-miner.ts";
import { ESP_MINER } from "../device/stratum/testing/profiles.ts";
import { FakeClock } from "../device/testing/fake-clock.ts";
import { verifyProof } from "../work/proof.ts";
import { targetOfDifficulty } from "../work/target.ts";
import { Changes } from "./changes.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { PoolSearcher } from "./sealing/searchers.ts";

const config = { advertise: null, workers: ["lv06"], simulatedWorkers: ["sim"], idle: "keep" as const };
const DIFFICULTIES = { real: 256, simulated: 2 ** -20 };
const stops: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function poolAt(listen: string | null, change: Partial<PoolOptions> = {}): Pool {
  const pool = new Pool({ config: { ...config, listen }, changes: new Changes(), ...change });
  stops.push(() => pool.stop());
  return pool;
}

function minerAt(pool: Pool, worker = "sim.a"): FakeMiner {
  const port = pool.device?.address?.port ?? 0;
  const miner = new FakeMiner({ profile: ESP_MINER, port, worker, hashrate: 20_000 }).start();
  stops.push(() => miner.stop());
  return miner;
}

async function until(what: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!what()) {
    if (performance.now() > endMs) throw new Error(`never came true: ${what}`);
    await sleep(2);
  }
}

test("without an address there is no pool", async () => {
  const pool = poolAt(null);
  await pool.start();
  expect([pool.state, pool.configured, pool.view(), pool.present()]).toEqual(["none", false, undefined, undefined]);
});

test("an address that is taken stops nothing: it listens as soon as the address is free, and says both once", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const clock = new FakeClock();
  const states: unknown[] = [];
  const pool = poolAt(`127.0.0.1:${port}`, { clock, onState: (state) => states.push(state) });
  await pool.start();
  expect([pool.state, pool.lastErrorCode]).toEqual(["failed", "STRATUM_LISTEN"]);
  const tryAgain = async () => {
    await clock.advance(10_000);
    await sleep(20);
  };
  await tryAgain();
  expect(pool.state).toBe("failed");
  await new Promise<void>((resolve) => other.close(() => resolve()));
  for (let i = 0; i < 100 && pool.state === "failed"; i++) await tryAgain();
  expect(pool.lastErrorCode).toBeNull();
  expect(states).toEqual(["failed", "listening"]);
});

describe("a miner", () => {
  test("that connects is the device that results name, and gone when it is", async () => {
    const changes = new Changes();
    let told = 0;
    changes.listen(() => {
      told += 1;
    });
    const pool = poolAt("127.0.0.1:0", { changes });
    await pool.start();
    const before = told;
    const miner = minerAt(pool);
    await until(() => pool.present() !== undefined);
    expect(pool.present()).toEqual({ kind: "stratum", simulated: true, canHash: false });
    expect(told).toBeGreaterThan(before);
    miner.stop();
    await until(() => pool.present() === undefined);
  });

  test("searches a proof that verifies, and its device says that it is simulated", async () => {
    const pool = poolAt("127.0.0.1:0");
    await pool.start();
    minerAt(pool);
    const searcher = new PoolSearcher(pool, DIFFICULTIES, () => {});
    await until(() => searcher.presence() === "simulated");
    expect(searcher.expectedMs(true)).toBeGreaterThan(0);
    expect(searcher.expectedMs(false)).toBeNull();
    const commitment = new Uint8Array(32).fill(5);
    const found = await searcher.seek({ commitment, simulated: true }, new AbortController().signal);
    expect(found).toMatchObject({
      device: { kind: "stratum", simulated: true, name: "sim.a" },
      difficulty: DIFFICULTIES.simulated,
    });
    if (found === null) throw new Error("nothing found");
    expect(verifyProof(found.proof, commitment, targetOfDifficulty(DIFFICULTIES.simulated))).toMatchObject({
      ok: true,
    });
  });

  test("that is simulated seals nothing where simulated devices may not take part", async () => {
    const pool = poolAt("127.0.0.1:0");
    await pool.start();
    const miner = minerAt(pool);
    await until(() => miner.jobs > 0);
    const stop = new AbortController();
    const job = { commitment: new Uint8Array(32).fill(6), simulated: false };
    const searching = new PoolSearcher(pool, DIFFICULTIES, () => {}).seek(job, stop.signal);
    await until(() => miner.accepted >= 3);
    stop.abort();
    expect(await searching).toBeNull();
  });
});
