/** The bridge over real sockets, with simulated miners that really hash. */
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { findCommitment } from "../../work/commitment.ts";
import { verifyProof } from "../../work/proof.ts";
import { targetOfDifficulty } from "../../work/target.ts";
import { realShares } from "../../work/testing/shares.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import type { BridgeOptions } from "./bridge.ts";
import { EASY, type TestBridge, testBridge, until } from "./testing/bridge.ts";
import { FakeMiner, type FakeMinerOptions } from "./testing/fake-miner.ts";
import { ESP_MINER, LVXX, OLDEST, PROFILES, type Profile, S9, STOCK } from "./testing/profiles.ts";

let on: TestBridge;
const miners: FakeMiner[] = [];

afterEach(async () => {
  for (const miner of miners.splice(0)) miner.stop();
  await on.server.close();
});

async function open(change: Partial<BridgeOptions> = {}): Promise<TestBridge> {
  on = await testBridge(change);
  return on;
}

function mine(profile: Profile, worker: string, change: Partial<FakeMinerOptions> = {}): FakeMiner {
  const miner = new FakeMiner({ profile, port: on.port, worker, ...change }).start();
  miners.push(miner);
  return miner;
}

const sealing = (byte: number, difficulty = EASY) => ({
  commitment: Buffer.alloc(32, byte),
  difficulty: 256,
  simulatedDifficulty: difficulty,
});

describe("all known miners at once", () => {
  test("work on one batch, are all satisfied, and the first share that meets the target seals it, once", async () => {
    const { bridge, proofs } = await open();
    const all = PROFILES.map((profile, i) => mine(profile, `model.${i}`));
    bridge.seek(sealing(1));
    await until(() => all.every(({ accepted }) => accepted >= 3));
    expect(all.flatMap(({ violations }) => violations)).toEqual([]);
    expect(all.flatMap(({ rejections }) => rejections)).toEqual([]);
    expect(proofs.length).toBe(1);
    const [found] = proofs;
    if (found === undefined) throw new Error("no proof");
    expect(found.worker).toMatchObject({ simulated: true, name: expect.stringMatching(/^model\.\d$/) });
    expect(verifyProof(found.proof, Buffer.alloc(32, 1), targetOfDifficulty(EASY))).toMatchObject({
      ok: true,
      difficulty: found.difficulty,
      place: { kind: "script" },
    });
  });

  test("seal batch after batch, each with its own proof, and lose no work but what was under way", async () => {
    const { bridge, proofs } = await open({ onProof: (found) => sealed(found) });
    const sealed = (found: (typeof proofs)[number]) => {
      proofs.push(found);
      if (proofs.length < 12) bridge.seek(sealing(proofs.length));
    };
    bridge.seek(sealing(0));
    const all = PROFILES.map((profile, i) => mine(profile, `model.${i}`));
    await until(() => proofs.length === 12);
    for (const [i, { proof, commitment }] of proofs.entries()) {
      expect(commitment).toEqual(new Uint8Array(32).fill(i));
      expect(findCommitment(proof, commitment)).toMatchObject({ kind: "script" });
    }
    expect(all.flatMap(({ violations }) => violations)).toEqual([]);
    expect(all.flatMap(({ rejections }) => rejections)).toEqual([]);
  });
});

describe("a batch", () => {
  test("is not sealed by a share that misses its target, though it is accepted", async () => {
    const { bridge, proofs } = await open();
    const miner = mine(ESP_MINER, "model");
    bridge.seek(sealing(1, 2 ** 20));
    await until(() => miner.accepted >= 5);
    expect(proofs).toEqual([]);
    expect(bridge.view()).toMatchObject({ sealed: false, joined: 1 });
  });

  test("is not sealed by a simulated miner unless it says so", async () => {
    const { bridge, proofs } = await open();
    const miner = mine(ESP_MINER, "model");
    bridge.seek({ ...sealing(1), simulatedDifficulty: null });
    await until(() => miner.accepted >= 5);
    expect(proofs).toEqual([]);
  });

  test("is awaited no more once it was given up, and the miners keep its job", async () => {
    const { bridge, proofs } = await open();
    const miner = mine(ESP_MINER, "model", { hashrate: 0 });
    bridge.seek(sealing(1));
    await until(() => miner.job !== undefined);
    const { jobs } = miner;
    bridge.giveUp();
    const second = mine(ESP_MINER, "model.b");
    await until(() => second.accepted >= 3);
    expect(proofs).toEqual([]);
    expect(miner.jobs).toBe(jobs);
  });

  test("that nobody gave is none: before the first, miners work on what seals nothing", async () => {
    const { bridge, proofs } = await open();
    const miner = mine(OLDEST, "model");
    await until(() => miner.accepted >= 3);
    expect(proofs).toEqual([]);
    expect(bridge.view()).toMatchObject({ sealed: true, joined: 1, expectedSealMs: null });
  });
});

describe("what is known of a miner", () => {
  test("outlives its connection: shares, refusals by reason, its own words, and its real speed", async () => {
    const { bridge, events } = await open();
    const miner = mine(STOCK, "model", { reconnectMs: 10, hashrate: 20_000 });
    bridge.seek(sealing(1));
    await until(() => miner.accepted >= 5);
    miner.breakOff();
    await until(() => miner.connections === 2 && miner.accepted >= 12);
    miner.submit(JSON.parse(miner.lastSubmit ?? "{}").params);
    await until(() => miner.rejections.length > 0);
    const [view] = bridge.view().miners;
    expect(view).toMatchObject({
      name: "model",
      simulated: true,
      client: "LuckyMiner/BM1366/v2.4.0",
      connected: 1,
      connections: 2,
      difficulty: EASY,
      rejected: { duplicate: 1 },
    });
    expect(view?.accepted).toBe(miner.accepted);
    expect(((view?.hashrate ?? 0) * (view?.meanShareMs ?? 0)) / 1000).toBeCloseTo(EASY * 2 ** 32, 3);
    expect(bridge.view().expectedSealMs).toBeCloseTo(view?.meanShareMs ?? 0, 6);
    expect(events.map(({ kind }) => kind)).toEqual(["joined", "left", "joined"]);
  });

  test("is null where it is unknown, never 0", async () => {
    const { bridge } = await open();
    const miner = mine(ESP_MINER, "lv06", { hashrate: 0 });
    await until(() => miner.job !== undefined);
    expect(miner.difficulty).toBe(256);
    const unknown = { bestDifficulty: null, lastShareUtcMs: null, meanShareMs: null, hashrate: null, mining: null };
    expect(bridge.view().miners[0]).toMatchObject({ simulated: false, accepted: 0, ...unknown });
  });

  test("is kept of a bounded number of workers, first of those that are there", async () => {
    const { bridge } = await open({ limits: { workers: 3 } });
    const stays = mine(ESP_MINER, "model.stays", { hashrate: 0 });
    await until(() => stays.job !== undefined);
    for (let i = 0; i < 6; i++) {
      const passing = mine(ESP_MINER, `model.${i}`, { hashrate: 0 });
      await until(() => passing.job !== undefined);
      passing.stop();
      await until(() => bridge.view().connections === 1);
    }
    expect(bridge.view().miners.map(({ name }) => name)).toEqual(["model.stays", "model.4", "model.5"]);
  });
});

describe("a health probe of stock firmware", () => {
  test("sees mining.notify, job and all, in its only read", async () => {
    await open();
    const socket = connect(on.port, "127.0.0.1");
    socket.write('{"id":1,"method":"mining.subscribe","params":["bitaxe/BM1366/v2.15.0"]}\n');
    socket.write('{"id":2,"method":"mining.authorize","params":["lv06","x"]}\n');
    const first = await new Promise<Buffer>((resolve) => {
      socket.once("data", resolve);
    });
    socket.destroy();
    const read = first.subarray(0, 1023).toString();
    expect(first.length).toBeLessThanOrEqual(1023);
    expect(read).toContain('"method":"mining.notify"');
    expect(read.endsWith("\n")).toBe(true);
  });

  test("that never says who it is gets its answer after 50 ms", async () => {
    const clock = new FakeClock();
    const { bridge } = await open({ clock });
    const sent: string[] = [];
    const wire = { address: "::1", unreadBytes: 0, send: (text: string) => void sent.push(text), close: () => {} };
    const peer = bridge.connect(wire);
    if (peer === null) throw new Error("no room");
    bridge.receive(peer, Buffer.from('{"id":1,"method":"mining.subscribe","params":["bitaxe/BM1366/v2.15.0"]}\n'));
    await clock.advance(49);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent.map((text) => JSON.parse(text))).toMatchObject([{ id: 1, error: null }]);
  });
});

describe("the real shares of an LV06", () => {
  test("all 20 pass the bridge, seal their jobs, and keep the miner at difficulty 256", async () => {
    const real = realShares();
    const [firstShare] = real;
    if (firstShare === undefined) throw new Error("no recording");
    const clock = new FakeClock();
    let current = firstShare;
    const { bridge, proofs } = await open({
      clock,
      utcMs: () => current.job.ntime * 1000,
      extranonce1: () => current.terms.extranonce1,
      makeJob: () => current.job,
    });
    const miner = mine({ ...STOCK, branches: [0, 32] }, "lv06", { hashrate: 0 });
    const hex32 = (value: number) => value.toString(16).padStart(8, "0");
    await until(() => bridge.view().joined === 1);
    for (const [i, recorded] of real.entries()) {
      current = recorded;
      bridge.seek({ commitment: recorded.wirePrevhash, difficulty: 256, simulatedDifficulty: null });
      await clock.advance(7100);
      const { jobId, extranonce2, ntime, nonce, versionBits } = recorded.share;
      const numbers = [hex32(ntime), hex32(nonce), hex32(versionBits)];
      miner.submit(["lv06", jobId, Buffer.from(extranonce2).toString("hex"), ...numbers]);
      await until(() => proofs.length === i + 1);
    }
    await until(() => miner.accepted === 20);
    expect(proofs.map(({ difficulty }) => Math.round(difficulty * 1000) / 1000)).toEqual(
      real.map(({ recordedDifficulty }) => recordedDifficulty),
    );
    const [view] = bridge.view().miners;
    expect(view).toMatchObject({ accepted: 20, rejected: {}, simulated: false, difficulty: 256 });
    expect(view?.meanShareMs).toBeCloseTo(7100, 0);
    expect(miner.rejections).toEqual([]);
  });
});

describe("limits", () => {
  const stranger = () => {
    const socket = connect(on.port, "127.0.0.1");
    socket.on("error", () => {});
    return socket;
  };
  const closed = (socket: ReturnType<typeof stranger>) =>
    new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
    });

  test("a line that is too long ends its connection, and only that", async () => {
    const { bridge } = await open();
    const miner = mine(ESP_MINER, "model");
    const socket = stranger();
    const end = closed(socket);
    socket.write("x".repeat(1_000_000));
    await end;
    expect(bridge.view().ends["line-too-long"]).toBe(1);
    await until(() => miner.accepted > 0);
    expect(miner.connections).toBe(1);
  });

  test("strangers make room for newcomers, miners never", async () => {
    const { bridge } = await open({ limits: { connections: 2 } });
    const miner = mine(ESP_MINER, "model", { hashrate: 0 });
    await until(() => miner.job !== undefined);
    const first = stranger();
    const end = closed(first);
    await until(() => bridge.view().connections === 2);
    const second = mine(ESP_MINER, "model.b", { hashrate: 0 });
    await end;
    await until(() => second.job !== undefined);
    await closed(stranger());
    expect(bridge.view()).toMatchObject({ joined: 2, ends: { "made-room": 1, "bridge-full": 1 } });
  });

  test("one address does not get all connections", async () => {
    const { bridge } = await open({ limits: { connectionsPerAddress: 2 } });
    const sockets = [stranger(), stranger()];
    await until(() => bridge.view().connections === 2);
    await closed(stranger());
    expect(bridge.view().ends["address-full"]).toBe(1);
    for (const socket of sockets) socket.destroy();
  });

  test("who does not read is dropped, once more waits for it than the limit", async () => {
    const { bridge } = await open({ limits: { unreadBytes: 10_000 } });
    const miner = mine(ESP_MINER, "model", { hashrate: 0 });
    await until(() => miner.job !== undefined);
    miner.pause();
    for (let i = 0; i < 200_000 && bridge.view().ends["slow-reader"] === 0; i++) {
      bridge.seek(sealing(i % 256));
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(bridge.view()).toMatchObject({ connections: 0, ends: { "slow-reader": 1 } });
  });

  test("that make no sense are refused by name", async () => {
    await open();
    for (const change of [{ limits: { lineBytes: 0 } }, { vardiff: { least: 0.5 } }, { vardiff: { most: 1 } }]) {
      await expect(testBridge(change)).rejects.toThrow(/STRATUM_OPTION/);
    }
  });
});

describe("the end", () => {
  test("closes every connection, with a farewell, and takes no more", async () => {
    const { bridge, server, events } = await open();
    const all = [ESP_MINER, LVXX, S9].map((profile, i) => mine(profile, `model.${i}`, { hashrate: 0 }));
    await until(() => all.every(({ job }) => job !== undefined));
    await server.close();
    await server.close();
    await until(() => all.every(({ job }) => job === undefined));
    expect(bridge.view()).toMatchObject({ connections: 0, ends: { "closed-by-bridge": 3 } });
    expect(events.filter(({ kind }) => kind === "left").length).toBe(3);
    expect(() => bridge.seek(sealing(1))).toThrow(/STRATUM_CLOSED/);
  });

  test("of a port that is taken is named", async () => {
    const { port, bridge } = await open();
    const { StratumServer } = await import("./server.ts");
    await expect(StratumServer.listen({ bridge, port })).rejects.toThrow(/STRATUM_LISTEN/);
  });
});
