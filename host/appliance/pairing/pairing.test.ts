/** Pairing from configuration to valid share, on simulated miners. What `lv06 device pair` prints: test/cli-pair.test.ts. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PayloadName } from "../../device/axeos/testing/payloads.ts";
import type { Clock } from "../../device/clock.ts";
import { type PairRequest, pairDevice } from "./pairing.ts";
import type { Step } from "./talk.ts";
import { freePort, settingsOf } from "./testing/settings.ts";
import { StockMiner } from "./testing/stock-miner.ts";
import { unpairDevice } from "./unpairing.ts";

/** Time that passes thirty times as fast. */
const FAST: Clock = {
  nowMs: () => performance.now() * 30,
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, delayMs / 30);
    return () => clearTimeout(timer);
  },
};

let dataDir: string;
let listen: string;
let miner: StockMiner | undefined;
let steps: Step["kind"][];
let asked: string[];

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "pairing-"));
  listen = `127.0.0.1:${await freePort()}`;
  [steps, asked] = [[], []];
});

afterEach(async () => {
  await miner?.close();
  miner = undefined;
  rmSync(dataDir, { recursive: true });
});

async function stock(payload: PayloadName, hashrate?: number): Promise<StockMiner> {
  miner = await StockMiner.start(payload, hashrate);
  return miner;
}

const settings = (more: Readonly<Record<string, string>> = {}) =>
  settingsOf({
    DATA_DIR: dataDir,
    DEVICE_STRATUM_LISTEN: listen,
    DEVICE_STRATUM_WORKERS: "simulated",
    DEVICE_STRATUM_SIMULATED_WORKERS: "simulated",
    ...more,
  });
const talk = (yes = true, signal = new AbortController().signal) => ({
  clock: FAST,
  signal,
  confirm: (says: readonly string[]) => {
    asked.push(...says);
    return Promise.resolve(yes);
  },
  onStep: (step: Step) => {
    steps.push(step.kind);
  },
  whileProving: <Value>(wait: (onWait: () => void) => Promise<Value>) => wait(() => {}),
});
const at = ({ axeos }: StockMiner) => ({ host: "127.0.0.1", port: axeos.port });
const request = (stock: StockMiner, more: Partial<PairRequest> = {}): PairRequest => ({
  miner: at(stock),
  deadlineMs: 300_000,
  ...more,
});
const kept = () => (existsSync(join(dataDir, "pairings")) ? readdirSync(join(dataDir, "pairings")) : []);

describe("a miner is paired", () => {
  test.each([
    ["v2.12", "simulated.000006", "020000000006.json"],
    ["v2.15", "simulated.000006", "020000000006.json"],
    ["Lucky", /^simulated\.127-0-0-1-\d+$/, /^at-127\.0\.0\.1-\d+\.json$/],
  ] as const)("%s: under a name of its own, until it is undone", async (payload, worker, record) => {
    const it = await stock(payload);
    const before = it.settings;
    const report = await pairDevice(settings(), request(it), talk());
    expect(report).toMatchObject({ outcome: "paired", pool: "own", simulated: true });
    expect(report.bridge.worker).toMatch(worker);
    expect(report.entry).toBe(`axeos://${report.bridge.worker}@${it.address}`);
    expect(it.pool).toMatchObject({ stratumURL: "127.0.0.1", stratumUser: report.bridge.worker });
    expect(steps).toEqual(["setting", "proving", "seen"]);
    expect(kept()).toEqual([expect.stringMatching(record)]);

    expect(await unpairDevice(settings(), { miner: at(it) }, talk(false))).toEqual({
      outcome: "declined",
      listed: [],
    });
    expect(await unpairDevice(settings(), { miner: at(it) }, talk())).toEqual({ outcome: "undone", listed: [] });
    expect(it.settings).toEqual(before);
    expect(kept()).toEqual([]);
  });

  test("by a record that was put elsewhere it is set back, too", async () => {
    const it = await stock("v2.12");
    const { recordPath } = await pairDevice(settings(), request(it), talk());
    const elsewhere = join(dataDir, "copy.json");
    writeFileSync(elsewhere, readFileSync(recordPath ?? ""));
    rmSync(recordPath ?? "");
    await expect(unpairDevice(settings(), { miner: at(it) }, talk())).rejects.toThrow(/PAIR_NO_RECORD/);
    expect(await unpairDevice(settings(), { miner: at(it), recordPath: elsewhere }, talk())).toMatchObject({
      outcome: "undone",
    });
    expect(it.pool.stratumURL).toBe("pool.example");
  });

  test("twice only in the same way: the owner's pool is not forgotten", async () => {
    const it = await stock("v2.12");
    await pairDevice(settings(), request(it), talk());
    expect(await pairDevice(settings(), request(it), talk())).toMatchObject({ outcome: "already", pool: "own" });
    const other = pairDevice(settings(), request(it, { worker: "simulated.other" }), talk());
    await expect(other).rejects.toThrow(/PAIR_EXISTS/);
    await unpairDevice(settings(), { miner: at(it) }, talk());
    expect(it.pool.stratumURL).toBe("pool.example");
  });
});

describe("a miner stays as it was", () => {
  test("when the answer is no", async () => {
    const it = await stock("v2.15");
    const before = it.settings;
    expect(await pairDevice(settings(), request(it), talk(false))).toMatchObject({ outcome: "declined" });
    expect([it.settings, kept(), it.axeos.restarts]).toEqual([before, [], 0]);
    expect(asked.join(" ")).toContain("Its fallback becomes the pool it has now, pool.example:3333 as owner.lv06");
  });

  test("when no valid share comes", async () => {
    const it = await stock("v2.15", 0);
    const before = it.settings;
    const pairing = pairDevice(settings(), request(it, { deadlineMs: 15_000 }), talk());
    await expect(pairing).rejects.toThrow(/AXEOS_PAIR_UNPROVEN/);
    expect([it.settings, kept(), it.axeos.restarts]).toEqual([before, [], 2]);
  });

  test("when the person gives up", async () => {
    const it = await stock("v2.12", 0);
    const before = it.settings;
    const stop = new AbortController();
    const words = talk(true, stop.signal);
    const pairing = pairDevice(settings(), request(it), {
      ...words,
      onStep: ({ kind }) => {
        if (kind === "proving") stop.abort(new Error("told to stop"));
      },
    });
    await expect(pairing).rejects.toThrow("told to stop");
    expect([it.settings, kept()]).toEqual([before, []]);
  });

  test("when its record cannot be kept", async () => {
    const it = await stock("v2.12");
    writeFileSync(join(dataDir, "pairings"), "");
    await expect(pairDevice(settings(), request(it), talk())).rejects.toThrow(/PAIR_RECORD/);
    expect(it.axeos.requests.map(({ method }) => method)).not.toContain("PATCH");
  });

  test.each([
    ["PAIR_WORKER", { worker: "stranger" }, {}],
    ["PAIR_WORKER", {}, { DEVICE_STRATUM_WORKERS: "" }],
    ["AXEOS_PAIR_OPTION", { advertise: { host: "no name", port: 1 } }, {}],
  ] as const)("and is not even asked, with %s", async (code, more, variables) => {
    const nobody = { miner: { host: "127.0.0.1", port: await freePort() }, deadlineMs: 1_000, ...more };
    await expect(pairDevice(settings(variables), nobody, talk())).rejects.toThrow(code);
  });

  test.each([
    ["PAIR_NO_POOL", {}, { DEVICE_STRATUM_LISTEN: "" }],
    ["PAIR_NO_POOL", {}, { DEVICE_STRATUM_LISTEN: "127.0.0.1:0" }],
    ["PAIR_WORKER", { worker: "stranger" }, {}],
    ["PAIR_WORKER", {}, { DEVICE_STRATUM_WORKERS: "" }],
    ["PAIR_ADVERTISE", {}, { DEVICE_STRATUM_ADVERTISE: "127.0.0.1:0" }],
    ["AXEOS_PAIR_OPTION", { advertise: { host: "no name", port: 1 } }, {}],
  ] as const)("with %s", async (code, more, variables) => {
    const it = await stock("v2.12");
    await expect(pairDevice(settings(variables), request(it, more), talk())).rejects.toThrow(code);
    expect(it.axeos.requests.every(({ method }) => method === "GET")).toBe(true);
  });
});

describe("a miner that was paired before", () => {
  const record = () => readFileSync(join(dataDir, "pairings", "020000000006.json"), "utf8");
  /** Its owner has changed a setting since. */
  async function changedSince(payload: PayloadName, change: object, hashrate?: number) {
    const it = await stock(payload, hashrate);
    const owners = it.settings;
    await pairDevice(settings(), request(it), { ...talk(), whileProving: () => Promise.resolve("share") });
    it.axeos.set({ ...change });
    return { it, owners, kept: record(), restarts: it.axeos.restarts };
  }
  const FALLBACK = { useFallbackStratum: 1 };

  test.each(["v2.14", "v2.15"] as const)("%s: keeps the record of how it was, and goes back there", async (payload) => {
    const { it, owners, kept } = await changedSince(payload, FALLBACK);
    expect(await pairDevice(settings(), request(it), talk())).toMatchObject({ outcome: "paired" });
    expect(record()).toBe(kept);
    await unpairDevice(settings(), { miner: at(it) }, talk());
    expect(it.settings).toEqual(owners);
  });

  test.each(["v2.14", "v2.15"] as const)("%s: goes back to how it was when the second fails", async (payload) => {
    const { it, owners, kept } = await changedSince(payload, FALLBACK, 0);
    const again = pairDevice(settings(), request(it, { deadlineMs: 10_000 }), talk());
    await expect(again).rejects.toThrow(/AXEOS_PAIR_UNPROVEN/);
    expect(asked.join(" ")).toContain("It was paired before: if this fails, and with --undo, it is set back to");
    expect([it.settings, record()]).toEqual([owners, kept]);
  });

  test("is restarted to go back even where the second was refused, since it works for our pool", async () => {
    const { it, owners, kept, restarts } = await changedSince("v2.12", { stratumTLS: 1 });
    const usual = it.axeos.handler;
    it.axeos.handler = (asked, response) => {
      if (asked.method !== "PATCH") return usual?.(asked, response) ?? false;
      it.axeos.handler = usual;
      response.writeHead(500).end();
      return true;
    };
    await expect(pairDevice(settings(), request(it), talk())).rejects.toThrow(/AXEOS_STATUS/);
    expect([it.settings, record(), it.axeos.restarts - restarts]).toEqual([owners, kept, 1]);
  });

  test("and that its owner has set to another pool since, goes back to that one", async () => {
    const { it } = await changedSince("v2.12", { stratumURL: "other.example", stratumUser: "owner.2" });
    const owners = it.settings;
    await pairDevice(settings(), request(it), talk());
    await unpairDevice(settings(), { miner: at(it) }, talk());
    expect(it.settings).toEqual(owners);
  });
});

describe("a miner that is set to the pool already", () => {
  /** As a pairing leaves it that is killed after its change, and before its restart. */
  async function setOnly(hashrate?: number) {
    const it = await stock("v2.12", hashrate);
    const owners = it.settings;
    const { recordPath, bridge } = await pairDevice(settings(), request(it), {
      ...talk(),
      whileProving: () => Promise.resolve("share"),
    });
    it.stall();
    [steps, asked] = [[], []];
    return { it, owners, recordPath: recordPath ?? "", worker: bridge.worker, restarts: it.axeos.restarts };
  }

  test("is restarted where it does not connect, and believed once a share comes", async () => {
    const { it, recordPath, restarts } = await setOnly();
    const report = await pairDevice(settings(), request(it, { deadlineMs: 60_000 }), talk());
    expect(report).toMatchObject({ outcome: "already", recordPath, pool: "own" });
    expect(steps).toEqual(["already", "restarting", "proving", "seen"]);
    expect([it.axeos.restarts - restarts, kept().length]).toEqual([1, 1]);
  });

  test("is set back where no share comes, and keeps its record", async () => {
    const { it, owners, recordPath } = await setOnly(0);
    const record = readFileSync(recordPath, "utf8");
    const pairing = pairDevice(settings(), request(it, { deadlineMs: 15_000 }), talk());
    await expect(pairing).rejects.toThrow(/AXEOS_PAIR_UNPROVEN/);
    expect(asked.join(" ")).toContain("set back to pool.example:3333 as owner.lv06");
    expect([it.settings, readFileSync(recordPath, "utf8")]).toEqual([owners, record]);
  });

  test("is left alone where the answer is no", async () => {
    const { it, restarts } = await setOnly();
    expect(await pairDevice(settings(), request(it), talk(false))).toMatchObject({ outcome: "declined" });
    expect([it.axeos.restarts - restarts, steps]).toEqual([0, []]);
  });

  test("and has no record is left as it is, unproven", async () => {
    const { it, recordPath, restarts } = await setOnly();
    rmSync(recordPath);
    const before = it.settings;
    const pairing = pairDevice(settings(), request(it, { deadlineMs: 10_000 }), talk());
    await expect(pairing).rejects.toThrow(/PAIR_UNPROVEN.*restart it on its own web page/);
    expect([it.settings, it.axeos.restarts - restarts, asked, kept()]).toEqual([before, 0, [], []]);
  });
});

test("what a miner is called in device.miners is told once it is set back", async () => {
  const it = await stock("v2.12");
  const { entry } = await pairDevice(settings(), request(it), talk());
  const listing = settings({ DEVICE_MINERS: `axeos://simulated.000007@127.0.0.1,${entry}` });
  expect(await unpairDevice(listing, { miner: at(it) }, talk())).toEqual({ outcome: "undone", listed: [entry] });
});

test("an undo that failed keeps its record for another try", async () => {
  const it = await stock("v2.12", 0);
  const stubborn = talk();
  const pairing = pairDevice(settings(), request(it, { deadlineMs: 10_000 }), {
    ...stubborn,
    onStep: ({ kind }) => {
      if (kind === "seen") it.axeos.deaf = true;
    },
  });
  await expect(pairing).rejects.toThrow(/AXEOS_UNDO_FAILED/);
  expect(kept()).toEqual(["020000000006.json"]);
  it.axeos.deaf = false;
  await unpairDevice(settings(), { miner: at(it) }, talk());
  expect(it.pool.stratumURL).toBe("pool.example");
});
