/**
 * The bridge under attack while honest simulated miners work: it may not fall, accept what is no work, disturb the
 * honest, or keep anything of an attacker. The verdict is this file's own: every accepted share is hashed anew.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Seeded } from "../../testing/seeded.ts";
import type { BridgeView, FoundProof } from "../bridge.ts";
import type { AcceptedShare } from "../miner-work.ts";
import { ATTACKS, type Loot } from "./attacks.ts";
import { EASY, type TestBridge, testBridge, until } from "./bridge.ts";
import { difficultyOf } from "./fake-job.ts";
import { FakeMiner } from "./fake-miner.ts";
import { profileAt } from "./profiles.ts";

export interface FuzzOptions {
  readonly seed: number;
  /** Hostile connections, and how many of them are open at a time. */
  readonly connections: number;
  readonly width: number;
  /** Honest miners, of the known kinds by turns. */
  readonly miners: number;
}

export interface FuzzReport {
  readonly byAttack: Readonly<Record<string, number>>;
  readonly shares: number;
  readonly sealed: number;
  readonly ends: BridgeView["ends"];
  /** What went wrong. */
  readonly findings: readonly string[];
}

const PASSING_MS = 30;

/** Holds every accepted share and proof to its bytes; the bridge's own words count for nothing. */
class Judge {
  readonly findings: string[] = [];
  readonly #headers = new Set<string>();

  get shares(): number {
    return this.#headers.size;
  }

  share({ verdict, difficulty, batch }: AcceptedShare): void {
    const header = Buffer.from(verdict.header).toString("hex");
    if (!(difficultyOf(verdict.header) >= difficulty)) this.findings.push(`no work in ${header}`);
    if (this.#headers.has(header)) this.findings.push(`counted twice: ${header}`);
    if (!Buffer.from(verdict.proof.coinbase).includes(Buffer.from(batch.commitment)))
      this.findings.push(`other work: ${header}`);
    this.#headers.add(header);
  }

  proof({ proof, commitment }: FoundProof, least: number): void {
    if (!(difficultyOf(proof.header) >= least)) this.findings.push("a proof without work");
    if (!Buffer.from(proof.coinbase).includes(Buffer.from(commitment))) this.findings.push("a proof of something else");
  }
}

async function attack(name: string, port: number, seeded: Seeded, loot: Loot): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  await new Promise<void>((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", () => resolve());
  });
  ATTACKS[name]?.(socket, seeded, loot);
  await sleep(seeded.below(PASSING_MS));
  socket.destroy();
}

function lootOf(miners: readonly FakeMiner[]): Loot {
  const workers = ["model.evil", ...miners.map(({ worker }) => worker)];
  return { workers, shares: miners.flatMap(({ lastSubmit }) => lastSubmit ?? []) };
}

async function runAttacks({ connections, width }: FuzzOptions, port: number, seeded: Seeded, miners: FakeMiner[]) {
  const names = Object.keys(ATTACKS);
  const byAttack: Record<string, number> = {};
  let left = connections;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      const name = seeded.pick(names);
      byAttack[name] = (byAttack[name] ?? 0) + 1;
      await attack(name, port, seeded, lootOf(miners));
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return byAttack;
}

function complaints(miners: readonly FakeMiner[], { miners: views }: BridgeView): string[] {
  const counted = views.reduce((sum, { accepted }) => sum + accepted, 0);
  const told = miners.reduce((sum, { accepted }) => sum + accepted, 0);
  return [
    ...miners.flatMap(({ violations }) => violations),
    ...miners.flatMap(({ rejections }) => rejections),
    ...miners.flatMap(({ connections }) => (connections === 1 ? [] : ["an honest miner lost its connection"])),
    ...(counted < told ? [`the bridge counts ${counted} shares, the miners ${told}`] : []),
  ];
}

async function siege(options: FuzzOptions, seeded: Seeded, on: TestBridge, miners: FakeMiner[]) {
  await until(() => miners.every(({ accepted }) => accepted > 0));
  const byAttack = await runAttacks(options, on.port, seeded, miners);
  const before = miners.map(({ accepted }) => accepted);
  await until(() => miners.every(({ accepted }, i) => accepted > (before[i] ?? 0)));
  await until(() => on.bridge.view().connections === miners.length);
  return byAttack;
}

export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const seeded = new Seeded(options.seed);
  const judge = new Judge();
  const sealing = () => ({ commitment: seeded.bytes(32), difficulty: 256, simulatedDifficulty: 8 * EASY });
  let sealed = 0;
  const on = await testBridge({
    limits: { unauthorisedMs: 2000, connections: 64 },
    random: (count) => seeded.bytes(count),
    onShare: (share) => judge.share(share),
    onProof: (found) => {
      sealed += 1;
      judge.proof(found, 8 * EASY);
      on.bridge.seek(sealing());
    },
  });
  const miners = Array.from({ length: options.miners }, (_, i) =>
    new FakeMiner({ profile: profileAt(i), port: on.port, worker: `model.${i}`, hashrate: 30_000 }).start(),
  );
  try {
    on.bridge.seek(sealing());
    const byAttack = await siege(options, seeded, on, miners);
    const view = on.bridge.view();
    const findings = [...judge.findings, ...complaints(miners, view)];
    return { byAttack, shares: judge.shares, sealed, ends: view.ends, findings };
  } finally {
    for (const miner of miners) miner.stop();
    await on.server.close();
  }
}
